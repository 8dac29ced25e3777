// Markdown as elements. The text comes from anybody's document: no HTML in it is ever run, and links go to the web alone.

import { marked, type Token, type Tokens } from "marked";
import type { ComponentChildren } from "preact";

const SAFE_LINK = /^(https?|mailto):/i;
const SAFE_IMAGE = /^data:image\/(png|jpeg|webp|gif);base64,/;

export function Markdown({ text }: { text: string }) {
  return <>{all(marked.lexer(text))}</>;
}

const all = (tokens: Token[] | undefined): ComponentChildren => tokens?.map((token) => show(token));

type Show = (token: never) => ComponentChildren;

const SHOWN: Record<string, Show> = {
  space: () => null,
  heading: (token: Tokens.Heading) => {
    const Tag = `h${Math.min(token.depth + 1, 6)}` as "h2";
    return <Tag dir="auto">{all(token.tokens)}</Tag>;
  },
  paragraph: (token: Tokens.Paragraph) => <p dir="auto">{all(token.tokens)}</p>,
  text: (token: Tokens.Text) => (token.tokens ? all(token.tokens) : plain(token.text)),
  escape: (token: Tokens.Escape) => plain(token.text),
  strong: (token: Tokens.Strong) => <strong>{all(token.tokens)}</strong>,
  em: (token: Tokens.Em) => <em>{all(token.tokens)}</em>,
  del: (token: Tokens.Del) => <del>{all(token.tokens)}</del>,
  codespan: (token: Tokens.Codespan) => <code>{plain(token.text)}</code>,
  br: () => <br />,
  hr: () => <hr />,
  code: (token: Tokens.Code) => (
    <pre>
      <code>{token.text}</code>
    </pre>
  ),
  blockquote: (token: Tokens.Blockquote) => <blockquote>{all(token.tokens)}</blockquote>,
  link: (token: Tokens.Link) =>
    SAFE_LINK.test(token.href) ? (
      <a href={token.href} target="_blank" rel="noreferrer">
        {all(token.tokens)}
      </a>
    ) : (
      all(token.tokens)
    ),
  image: (token: Tokens.Image) =>
    SAFE_IMAGE.test(token.href) ? (
      <img src={token.href} alt={plain(token.text)} />
    ) : (
      <em>{plain(token.text) || "Picture"}</em>
    ),
  list: (token: Tokens.List) => {
    const items = token.items.map((item) => <li dir="auto">{all(item.tokens)}</li>);
    return token.ordered ? <ol start={Number(token.start) || 1}>{items}</ol> : <ul class="bullets">{items}</ul>;
  },
  table: (token: Tokens.Table) => (
    <div class="grid">
      <table>
        <thead>
          <tr>
            {token.header.map((cell) => (
              <th>{all(cell.tokens)}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {token.rows.map((row) => (
            <tr>
              {row.map((cell) => (
                <td>{all(cell.tokens)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  ),
};

function show(token: Token): ComponentChildren {
  if (token.type === "html") return isComment(token.raw) ? null : token.raw;
  const known = SHOWN[token.type];
  return known ? known(token as never) : token.raw;
}

const isComment = (html: string): boolean => /^\s*<!--.*-->\s*$/s.test(html);

const ENTITIES: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'", nbsp: " " };

/** Markdown may write signs as entities. */
const plain = (text: string): string =>
  text.replace(/&(amp|lt|gt|quot|#39|nbsp);/g, (_, name: string) => ENTITIES[name] ?? _);

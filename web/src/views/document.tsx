// One document: the page on the left, what was read on the right.

import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ended } from "../api/shapes";
import type { Model } from "../document/model";
import { currentPage, missing, opened, openJob, pageNumbers } from "../state/document";
import { followKeys } from "../state/keys";
import { needed, pictureOf } from "../state/pictures";
import { link, type Place } from "../state/route";
import { zoom } from "../state/zoom";
import { ContentPane } from "./content";
import { CopyMenu, DownloadMenu } from "./documentmenus";
import { Icon } from "./icons";
import { Actions, ProgressCell, StateDot } from "./jobrow";
import { PagePane, RunningPage } from "./pagepane";
import { Pager } from "./pager";
import { Segments } from "./parts";
import { Search } from "./search";

/** Of a page, in points, while its size is not known. */
const USUAL_WIDTH = 600;

type Pane = "page" | "content";

const PANES: [Pane, string][] = [
  ["page", "Page"],
  ["content", "Text"],
];

/** On a narrow screen there is room for one of the two. */
const shownPane = signal<Pane>("page");

export function DocumentView({ place }: { place: Place }) {
  useEffect(followKeys, []);
  return (
    <>
      <TitleBar place={place} />
      {missing.value ? <Missing text={missing.value} /> : <Body place={place} />}
    </>
  );
}

function TitleBar({ place }: { place: Place }) {
  const job = openJob.value;
  const name = nameOf(place);
  useEffect(() => {
    document.title = `${name} – docfleet`;
  }, [name]);
  return (
    <div class="title-bar">
      <a class="icon-button" href="#/" aria-label="Back to the jobs" title="Back to the jobs">
        <Icon name="back" />
      </a>
      {job && <StateDot of={job} />}
      <h1>
        <bdi>{name}</bdi>
      </h1>
      {job && !ended(job) && <ProgressCell of={job} />}
      <Files place={place} />
      <span class="space" />
      <Search />
      {job && <Actions of={job} />}
      {job?.status === "completed" && <CopyMenu place={place} />}
      {job?.status === "completed" && <DownloadMenu place={place} />}
    </div>
  );
}

function nameOf(place: Place): string {
  const { entry, partial } = opened.value;
  return entry?.filename ?? partial?.filename ?? openJob.value?.filenames[place.file] ?? `File ${place.file + 1}`;
}

/** The files of the job, if there are several. */
function Files({ place }: { place: Place }) {
  const job = openJob.value;
  const number = Math.max(job?.progress.files_total ?? 0, job?.filenames.length ?? 0);
  if (!job || number < 2) return null;
  const go = (event: { currentTarget: HTMLSelectElement }) => {
    location.hash = link({ job: place.job, file: Number(event.currentTarget.value) });
  };
  return (
    <select class="files" aria-label="File" value={place.file} onChange={go}>
      {Array.from({ length: number }, (_, file) => (
        <option key={file} value={file}>
          {file + 1}/{number} {job.filenames[file] ?? `File ${file + 1}`}
        </option>
      ))}
    </select>
  );
}

function Body({ place }: { place: Place }) {
  const { model, partial } = opened.value;
  const page = currentPage.value;
  const early = partial && page ? pictureOf(needed(place.job, place.file, page, USUAL_WIDTH, 1)).value.url : null;
  const hasPicture = Boolean(early || (model && isDrawn(model, place, page)));
  return (
    <>
      {pageNumbers.value.length > 1 && <Pager />}
      {hasPicture && (
        <Segments
          label="Show"
          class="narrow-switch"
          options={PANES}
          value={shownPane.value}
          choose={(pane) => (shownPane.value = pane)}
        />
      )}
      <div class={hasPicture ? `panes show-${shownPane.value}` : "panes alone"}>
        {early && <RunningPage picture={early} page={page} />}
        {model && hasPicture && <PagePane model={model} place={place} />}
        <ContentPane place={place} />
      </div>
    </>
  );
}

/** Whether the server has a picture of a page, as far as is known. */
function isDrawn(model: Model, place: Place, page: number): boolean {
  const size = model.pages.find((each) => each.number === page);
  if (!size || !model.isDrawn) return false;
  const picture = pictureOf(needed(place.job, place.file, page, size.width, zoom.value)).value;
  return picture.refused !== "no_page_picture";
}

function Missing({ text }: { text: string }) {
  return (
    <div class="missing">
      <p>{text}</p>
      <p>
        <a href="#/">Back to the jobs</a>
      </p>
    </div>
  );
}

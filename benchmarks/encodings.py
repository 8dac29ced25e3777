"""Measures how often the encoding of a short text is found: `python -m benchmarks.encodings [--misses]`.

Cuts each text below into pieces of 40, 80 and 160 characters, encodes each piece, and decodes it again without naming
the encoding. A piece is right when every character comes back. Pieces that are pure ASCII in their encoding are left
out. `--misses` prints each wrong piece, with the encoding that was chosen.
"""

import argparse
from collections.abc import Callable, Iterator

from charset_normalizer import from_bytes

from actors.parser.engine.encoding import decode

LENGTHS = (40, 80, 160)

TEXTS = {
    "chinese": (
        "昨天下午，市政府召开新闻发布会，介绍了今年第三季度的经济运行情况。发言人表示，全市工业生产保持稳定增长，"
        "居民消费价格总体平稳，就业形势好于预期。下一步将继续推进老旧小区改造，加快地铁建设，方便市民出行。"
        "本合同一式两份，甲乙双方各执一份，自双方签字盖章之日起生效。如发生争议，双方应友好协商解决，协商不成的，"
        "可以向合同签订地人民法院提起诉讼。产品编号：A-2031，数量：120件，单价：人民币35元。"
    ),
    "chinese-traditional": (
        "昨天下午，市政府召開記者會，說明今年第三季的經濟狀況。發言人表示，全市工業生產維持穩定成長，物價大致平穩，"
        "就業情形比預期好。接下來將繼續推動老舊社區更新，加快捷運建設，方便市民通勤。本契約一式兩份，甲乙雙方各執一份，"
        "自雙方簽名蓋章之日起生效。如有爭議，雙方應本於誠信原則協商解決，協商不成時，以臺北地方法院為第一審管轄法院。"
        "產品編號：A-2031，數量：120件，單價：新臺幣350元。"
    ),
    "japanese": (
        "本日はお忙しい中、会議にご出席いただきありがとうございます。資料は昨日メールでお送りしたとおりですが、"
        "三ページ目の表に誤りがありましたので、差し替えをお願いいたします。駅から会場までは歩いて十分ほどです。"
        "雨のときは、南口のバス停から市役所行きのバスをご利用ください。コンピュータの電源を切るときは、"
        "必ずすべてのファイルを保存してから、メニューの「シャットダウン」を選んでください。製品番号はＡ２０３１です。"
    ),
    "korean": (
        "어제 오후 시청에서 기자회견이 열려 올해 삼분기 경제 상황이 발표되었습니다. 대변인은 공업 생산이 안정적으로 "
        "늘고 있으며 물가도 대체로 안정되어 있다고 말했습니다. 앞으로 오래된 주택을 고치고 지하철 건설을 서두를 "
        "예정입니다. 이 계약서는 두 부를 작성하여 갑과 을이 한 부씩 보관하며, 서명한 날부터 효력이 있습니다. "
        "제품 번호는 A-2031이고 수량은 120개, 단가는 3,500원입니다."
    ),
    "russian": (
        "Вчера днём в мэрии прошла пресс-конференция, на которой рассказали о развитии города в третьем квартале. "
        "Представитель сообщил, что производство растёт, цены остаются стабильными, а безработица снизилась. "
        "Настоящий договор составлен в двух экземплярах, по одному для каждой из сторон, и вступает в силу с момента "
        "подписания. Споры решаются путём переговоров. Артикул А-2031, количество 120 штук, цена 350 рублей."
    ),
    "ukrainian": (
        "Учора вдень у мерії відбулася пресконференція, на якій розповіли про розвиток міста у третьому кварталі. "
        "Речник повідомив, що виробництво зростає, ціни залишаються стабільними, а їхній рівень є найнижчим за рік. "
        "Цей договір укладено у двох примірниках, по одному для кожної зі сторін. Кількість: 120 штук."
    ),
    "german": (
        "Gestern Nachmittag erklärte der Bürgermeister, die Straße zum Bahnhof müsse für größere Arbeiten "
        "gesperrt werden. "
        "Die Anlieger können während der Bauzeit den Parkplatz an der Brücke benutzen. Für Rückfragen stehen wir Ihnen "
        "jederzeit gern zur Verfügung. Der Vertrag tritt mit der Unterschrift in Kraft; mündliche Absprachen "
        "gelten nicht. "
        "Stückzahl 120, Preis je Stück 35 € – „freibleibend“."
    ),
    "french": (
        "Hier après-midi, la mairie a présenté les résultats économiques du troisième trimestre. La production reste "
        "élevée et les prix sont stables, a déclaré le porte-parole. Le présent contrat est établi en deux exemplaires "
        "et prend effet à la date de signature. L’acheteur s’engage à régler la facture dès réception, même partielle. "
        "Quantité : 120 pièces, prix à l’unité : 35 €."
    ),
    "spanish": (
        "Ayer por la tarde el ayuntamiento presentó los resultados del tercer trimestre. Según el portavoz, la "
        "producción "
        "creció y los precios se mantuvieron estables, aunque todavía queda mucho por hacer este año. ¿Cuándo "
        "empezarán "
        "las obras de la estación? El señor Núñez contestó que en otoño, después de las vacaciones. Código: A-2031."
    ),
    "polish": (
        "Wczoraj po południu w urzędzie miasta odbyła się konferencja, na której przedstawiono wyniki trzeciego "
        "kwartału. "
        "Rzecznik powiedział, że produkcja rośnie, ceny są stabilne, a bezrobocie spadło. Niniejsza umowa została "
        "sporządzona w dwóch egzemplarzach, po jednym dla każdej ze stron. Ilość: sto dwadzieścia sztuk, żółte "
        "łańcuchy."
    ),
    "czech": (
        "Včera odpoledne představilo město výsledky třetího čtvrtletí. Mluvčí uvedl, že výroba roste, ceny zůstávají "
        "stálé a nezaměstnanost klesla. Tato smlouva je vyhotovena ve dvou stejnopisech a nabývá účinnosti dnem "
        "podpisu. "
        "Množství: sto dvacet kusů, příliš žluťoučký kůň, cena za kus tři sta padesát korun."
    ),
    "hungarian": (
        "Tegnap délután a városháza ismertette a harmadik negyedév eredményeit. A szóvivő szerint a termelés "
        "nő, az árak "
        "változatlanok, és csökkent a munkanélküliség. A szerződés két példányban készült, és az aláírás napján "
        "lép életbe. "
        "Mennyiség: százhúsz darab, őszi kedvezménnyel, egységár: háromszázötven forint."
    ),
    "greek": (
        "Χθες το απόγευμα ο δήμος παρουσίασε τα αποτελέσματα του τρίτου τριμήνου. Ο εκπρόσωπος είπε ότι η παραγωγή "
        "αυξάνεται και οι τιμές παραμένουν σταθερές. Η σύμβαση συντάχθηκε σε δύο αντίτυπα, ένα για κάθε μέρος."
    ),
    "turkish": (
        "Dün öğleden sonra belediye, üçüncü çeyreğin sonuçlarını açıkladı. Sözcü, üretimin arttığını ve "
        "fiyatların değişmediğini "
        "söyledi. Bu sözleşme iki nüsha olarak düzenlenmiş ve imza tarihinde yürürlüğe girmiştir. Şişeler kırılabilir."
    ),
}

ENCODINGS = (
    ("gbk", "chinese"),
    ("gb18030", "chinese"),
    ("big5", "chinese-traditional"),
    ("shift_jis", "japanese"),
    ("euc_jp", "japanese"),
    ("iso2022_jp", "japanese"),
    ("euc_kr", "korean"),
    ("cp1251", "russian"),
    ("cp1251", "ukrainian"),
    ("koi8-r", "russian"),
    ("cp1252", "german"),
    ("cp1252", "french"),
    ("cp1252", "spanish"),
    ("cp1250", "polish"),
    ("cp1250", "czech"),
    ("cp1250", "hungarian"),
    ("cp1253", "greek"),
    ("cp1254", "turkish"),
    *(("utf-16-le", language) for language in ("german", "russian", "chinese", "korean")),
    *(("utf-16-be", language) for language in ("german", "russian", "chinese", "korean")),
)


def pieces(text: str, length: int) -> Iterator[str]:
    """Overlapping cuts of a text, from its beginning to its end."""
    for start in range(0, len(text) - length + 1, length // 4):
        yield text[start : start + length]


def ours(data: bytes) -> tuple[str, str]:
    decoded = decode(data)
    return decoded.text, decoded.encoding


def charset_normalizer_alone(data: bytes) -> tuple[str, str]:
    best = from_bytes(data).best()
    return (str(best), best.encoding) if best else ("", "none")


def share(
    detect: Callable[[bytes], tuple[str, str]], encoding: str, language: str, length: int, *, misses: bool
) -> float:
    """The share of a text's pieces that come back whole."""
    right = total = 0
    for piece in pieces(TEXTS[language], length):
        data = piece.encode(encoding, "replace")
        if data.isascii() and encoding != "iso2022_jp" and not encoding.startswith("utf-16"):
            continue
        text, taken = detect(data)
        total += 1
        right += text == data.decode(encoding)
        if misses and text != data.decode(encoding):
            print(f"    {encoding} taken for {taken}: {text[:60]!r}")
    return right / total


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--misses", action="store_true", help="print what came back wrong")
    misses = arguments.parse_args().misses
    print(f"{'':28s}" + "".join(f"{length:>5} chars (charset-normalizer)" for length in LENGTHS))
    for encoding, language in ENCODINGS:
        row = f"{encoding:12s}{language:16s}"
        for length in LENGTHS:
            found = share(ours, encoding, language, length, misses=misses)
            alone = share(charset_normalizer_alone, encoding, language, length, misses=False)
            row += f"{found:>18.2f} ({alone:.2f}) "
        print(row, flush=True)


if __name__ == "__main__":
    main()

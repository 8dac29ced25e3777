from __future__ import annotations

import pytest

from actors.blobs import open_blobs
from actors.dispatcher.result_store import ResultStore
from actors.messages import Failure, InputFile, ParsedFile
from client.confidence import FileConfidence
from client.models import ErrorCode, ParserInfo

PARSED = ParsedFile(
    nodes=b"[]",
    num_nodes=0,
    document=b"{}",
    pages=1,
    parser=ParserInfo(profile="native", docling="0"),
    confidence=FileConfidence(low_grade="fair"),
)


@pytest.mark.parametrize(
    ("result", "grade"),
    [(PARSED, "fair"), (Failure(code=ErrorCode.INVALID_FILE, message="not readable"), "unspecified")],
)
async def test_outcome_of_a_file_has_its_low_grade(result: ParsedFile | Failure, grade: str) -> None:
    file = InputFile(filename="a.pdf", blob="inputs/j/0", size=1, sha256="x")
    outcome = await ResultStore(open_blobs("memory://"), "j").save(0, file, result, 1.0)
    assert outcome.grade == grade

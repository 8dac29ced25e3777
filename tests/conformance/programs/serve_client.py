"""docling-serve-client: every option with its default, a task, chunks, health and clear."""

import sys

from docling_serve_sdk import DoclingClient

with DoclingClient(sys.argv[1]) as client:
    assert client.health_check().status == "healthy"
    converted = client.convert_file(sys.argv[2])
    assert converted.status == "success", converted
    assert "ferry" in converted.document.md_content
    task = client.convert_file_async_task(sys.argv[2])
    client.wait_for_task(task.task_id)
    assert client.task_result(task.task_id)["document"]["md_content"] == converted.document.md_content
    assert any("ferry" in chunk.text for chunk in client.chunk_hybrid_file(sys.argv[2]).chunks)
    assert client.clear_results().status == "ok"

"""Where a run's page lies, and the way there in the AWS console."""

from __future__ import annotations

from urllib.parse import quote

PAGE = "reconciliation.html"


def of_run(address: str, region: str | None) -> dict[str, str]:
    """{page, and console where the run lies in S3 and the region is known}."""
    page = f"{address.rstrip('/')}/{PAGE}"
    if region is None or not page.startswith("s3://"):
        return {"page": page}
    bucket, _, key = page.removeprefix("s3://").partition("/")
    return {"page": page, "console": f"https://{region}.console.aws.amazon.com/s3/object/{quote(bucket)}"
                                     f"?region={region}&prefix={quote(key)}"}

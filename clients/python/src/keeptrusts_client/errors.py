"""What can go wrong with the control plane. The gateway's errors are those of the `openai` package."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class FieldProblem(BaseModel):
    path: str
    message: str


class Problem(BaseModel):
    """An RFC 9457 problem document. `code` is stable, the words are not."""

    model_config = ConfigDict(extra="allow")

    type: str = "about:blank"
    title: str
    status: int
    detail: str = ""
    code: str = "unknown"
    request_id: str | None = None
    errors: list[FieldProblem] = []


class KeeptrustsError(Exception):
    """Every error of this package is one of these."""


class ConnectionFailed(KeeptrustsError):
    """There was no answer, or it broke off. Whether a request that changes something was carried out is not known."""


class AnswerRefused(KeeptrustsError):
    """The answer is not one of a Keeptrusts control plane, or larger than this client reads."""


class VerificationUnfinished(KeeptrustsError):
    """A verification of the trail failed, was cancelled, or took longer than the caller waits.

    It says nothing about the trail.
    """


class ApiError(KeeptrustsError):
    """The control plane refused. `retry_after` is in seconds, as its `Retry-After` says."""

    def __init__(self, problem: Problem, retry_after: float | None = None) -> None:
        fields = "; ".join(f"{error.path}: {error.message}" for error in problem.errors)
        super().__init__(
            f"{problem.status} {problem.code}: {problem.detail or problem.title}{f' ({fields})' if fields else ''}"
        )
        self.problem = problem
        self.retry_after = retry_after

    @property
    def status(self) -> int:
        return self.problem.status

    @property
    def code(self) -> str:
        return self.problem.code


class InvalidRequest(ApiError):
    """400, 413, 414, 415 or 422: the same request would be refused again."""


class AuthenticationFailed(ApiError):
    """401: the token is unknown, expired or revoked."""


class PermissionDenied(ApiError):
    """403: the token may not do this."""


class NotFound(ApiError):
    """404, also for what belongs to another organisation."""


class Conflict(ApiError):
    """409 or 412: something is under way, or has changed since it was read."""


class RateLimited(ApiError):
    """429."""


class Unavailable(ApiError):
    """5xx. A 503 has changed nothing and may be repeated."""


def error_for(problem: Problem, retry_after: float | None) -> ApiError:
    by_status: dict[int, type[ApiError]] = {
        401: AuthenticationFailed,
        403: PermissionDenied,
        404: NotFound,
        409: Conflict,
        412: Conflict,
        429: RateLimited,
    }
    kind = by_status.get(problem.status, Unavailable if problem.status >= 500 else InvalidRequest)
    return kind(problem, retry_after)

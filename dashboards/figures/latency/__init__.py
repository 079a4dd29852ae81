"""One module per figure, each a pure function from what was measured to a plotly Figure."""

from dashboards.figures.latency.distribution import end_to_end, step_distributions
from dashboards.figures.latency.hours import hours
from dashboards.figures.latency.outcomes import outcomes, trouble
from dashboards.figures.latency.percentiles import doubt, steps
from dashboards.figures.latency.settled import settled
from dashboards.figures.latency.timeline import timeline

__all__ = ["doubt", "end_to_end", "hours", "outcomes", "settled", "step_distributions", "steps", "timeline", "trouble"]

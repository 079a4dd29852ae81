"""One module per figure, each a pure function from a run's result to a plotly Figure."""

from dashboards.figures.aging import aging
from dashboards.figures.bridge import bridge
from dashboards.figures.classes import classes
from dashboards.figures.feeds import feeds
from dashboards.figures.largest import largest
from dashboards.figures.match_rate import match_rate

__all__ = ["aging", "bridge", "classes", "feeds", "largest", "match_rate"]

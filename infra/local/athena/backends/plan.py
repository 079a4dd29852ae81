"""Which tables of the lake a statement reads, which of their columns, and what its WHERE says of their partitions."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlglot import exp

from infra.local.athena.catalog import Catalog, GlueTable
from infra.local.athena.errors import QueryFailed
from infra.local.athena.statements import position

PATH = "$path"


@dataclass(frozen=True, slots=True)
class Reference:
    """One place where a statement reads a table; there the statement now reads `view`.

    `columns` are the table's columns that are needed, in its order. `conditions` hold for every row that counts and
    speak of nothing but partition keys and "$path", so whole objects may be left out by them.
    """

    view: str
    table: GlueTable
    columns: tuple[str, ...]
    path: bool
    conditions: tuple[exp.Expr, ...] = field(default=())


def plan(tree: exp.Expr, text: str, database: str, catalog: Catalog) -> list[Reference]:
    """Rewrites `tree` (parsed from `text`) in place to read views. Raises QueryFailed for a table that is not there."""
    found: list[Reference] = []
    for node in list(tree.find_all(exp.Table)):
        if not isinstance(node.this, exp.Identifier) or _is_cte(node):
            continue
        where = position(text, int(node.parts[0].meta.get("start", 0)))
        schema = (node.db or database).lower()
        if not schema:
            raise QueryFailed("MISSING_SCHEMA_NAME",
                              f"{where}: Schema must be specified when session schema is not set")
        table = catalog.table(schema, node.name.lower(), where)
        found.append(_reference(node, table, f"lake_{len(found)}"))
    for column in tree.find_all(exp.Column):
        # Views have no database; their alias is the table's name.
        column.set("db", None)
        column.set("catalog", None)
    return found


def output_names(tree: exp.Expr) -> list[str] | None:
    """Column names of the result as Trino gives them, None where a star hides how many there are."""
    select = tree
    while isinstance(select, exp.SetOperation | exp.Subquery):
        select = select.this
    if not isinstance(select, exp.Select):
        return None
    if any(_is_star(part) for part in select.expressions):
        return None
    return [part.alias_or_name if isinstance(part, exp.Alias | exp.Column) else f"_col{index}"
            for index, part in enumerate(select.expressions)]


def _reference(node: exp.Table, table: GlueTable, view: str) -> Reference:
    name = node.alias or node.name
    select = node.parent_select
    columns, path = tuple(table.all_columns), False
    conditions: tuple[exp.Expr, ...] = ()
    if isinstance(select, exp.Select):
        named = {column.name.lower() for column in select.find_all(exp.Column)}
        path = PATH in named
        stars = _stars(select, name)
        if not stars:
            columns = tuple(column for column in table.all_columns if column in named)
        if path:
            for star in stars:
                # Hidden as on Athena, though it is there to be asked for.
                star.set("except_", [*(star.args.get("except_") or ()), exp.to_identifier(PATH, quoted=True)])
        conditions = _conditions(select, name, table)
    node.set("this", exp.to_identifier(view))
    node.set("db", None)
    node.set("catalog", None)
    if not node.alias:
        node.set("alias", exp.TableAlias(this=exp.to_identifier(name, quoted=True)))
    return Reference(view, table, columns, path, conditions)


def _conditions(select: exp.Select, name: str, table: GlueTable) -> tuple[exp.Expr, ...]:
    where = select.args.get("where")
    # Beside an outer join a row may be there although its table has none.
    if where is None or any(join.side for join in select.args.get("joins") or ()):
        return ()
    known = {*table.keys, PATH}
    kept = []
    for condition in where.this.flatten() if isinstance(where.this, exp.And) else [where.this]:
        columns = list(condition.find_all(exp.Column))
        own = all(column.name.lower() in known and column.table in ("", name) for column in columns)
        if columns and own and not condition.find(exp.Query):
            plain = condition.copy()
            for column in plain.find_all(exp.Column):
                column.set("table", None)
            kept.append(plain)
    return tuple(kept)


def _is_cte(node: exp.Table) -> bool:
    """Whether the name is one of a WITH that is visible here: an earlier one, or any of a WITH above."""
    if node.db:
        return False
    below: exp.Expr = node
    above = node.parent
    inside: exp.CTE | None = None
    while above is not None:
        if isinstance(above, exp.CTE):
            inside = above
        elif isinstance(above, exp.With):
            recursive = bool(above.args.get("recursive"))
            for cte in above.expressions:
                if cte is inside and not recursive:
                    break
                if cte.alias.lower() == node.name.lower():
                    return True
        else:
            scope = above.args.get("with_")
            if isinstance(scope, exp.With) and scope is not below and any(
                    cte.alias.lower() == node.name.lower() for cte in scope.expressions):
                return True
        below, above = above, above.parent
    return False


def _is_star(part: exp.Expr) -> bool:
    return isinstance(part, exp.Star) or (isinstance(part, exp.Column) and isinstance(part.this, exp.Star))


def _stars(select: exp.Select, name: str) -> list[exp.Star]:
    """The stars of the projection that cover the source called `name`."""
    found = []
    for part in select.expressions:
        if isinstance(part, exp.Star):
            found.append(part)
        elif isinstance(part, exp.Column) and isinstance(part.this, exp.Star) and part.table == name:
            found.append(part.this)
    return found

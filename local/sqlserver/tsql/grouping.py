"""GROUP BY and HAVING, and the rule that every other column stands inside an aggregate."""

from __future__ import annotations

from sqlglot import exp

from local.sqlserver.sql_error import SqlError
from local.sqlserver.tsql.expressions import Expressions, only


class Grouping:
    """Of one SELECT. Raises SqlError(8120) for a column that is neither grouped nor aggregated."""

    def __init__(self, node: exp.Select, within: Expressions) -> None:
        self._within = within
        group = node.args.get("group")
        if group is not None:
            only(group, "expressions")
        self._by = list(group.expressions) if group is not None else []
        for each in self._by:
            self._check_group(each)
        self._having = node.args.get("having")
        order = node.args.get("order")
        places = [*node.expressions, *([self._having] if self._having else []), *([order] if order else [])]
        aggregates = any(_has_aggregate(place) for place in places)
        self.is_one_row = aggregates and not self._by and self._having is None
        if aggregates or self._by:
            self._texts = {each.sql("tsql").lower() for each in self._by}
            self._columns = {within.value(each).sql for each in self._by if isinstance(each, exp.Column)}
            aliases = {each.alias.lower() for each in node.expressions if isinstance(each, exp.Alias)}
            for place in places:
                self._check(place, aliases if place is order else set())

    def _check_group(self, node: exp.Expr) -> None:
        if node.find(exp.Query, exp.AggFunc) is not None:
            raise SqlError(144, "Cannot use an aggregate or a subquery in an expression used for the group by list.")
        if not any(self._within.scope.find(each.table, each.name)[1] for each in node.find_all(exp.Column)):
            raise SqlError(
                164, "Each GROUP BY expression must contain at least one column that is not an outer reference."
            )

    def sql(self) -> str:
        """Result: the clauses, after WHERE."""
        text = f" GROUP BY {', '.join(self._within.value(each).collated for each in self._by)}" if self._by else ""
        return text + (f" HAVING {self._within.condition(self._having.this)}" if self._having is not None else "")

    def _check(self, node: exp.Expr, aliases: set[str]) -> None:
        if isinstance(node, (exp.AggFunc, exp.Query, exp.DataType)) and not isinstance(node.parent, exp.Window):
            return
        if node.sql("tsql").lower() in self._texts:
            return
        if isinstance(node, exp.Column):
            if not node.table and node.name.lower() in aliases:
                return
            found, own = self._within.scope.find(node.table, node.name)
            if own and found.sql not in self._columns:
                raise SqlError(
                    8120,
                    f"Column '{node.sql('tsql')}' is invalid in the select list because it is not contained in either "
                    "an aggregate function or the GROUP BY clause.",
                )
            return
        for child in node.iter_expressions():
            self._check(child, aliases)


def _has_aggregate(node: exp.Expr) -> bool:
    if isinstance(node, exp.Query):
        return False
    if isinstance(node, exp.AggFunc) and not isinstance(node.parent, exp.Window):
        return True
    return any(_has_aggregate(child) for child in node.iter_expressions())

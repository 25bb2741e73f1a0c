/// Range functions (DMN 1.3, table 78): Allen's relations between points and ranges.
extension BuiltinFunction {
    private typealias Relation = @Sendable (Interval, Interval, Evaluator) -> Bool?

    private static let twoPoints = "point1, point2"
    private static let pointAndRange = "point, range"
    private static let rangeAndPoint = "range, point"
    private static let twoRanges = "range1, range2"

    static let ranges: [BuiltinFunction] = [
        relation("before", [twoPoints, pointAndRange, rangeAndPoint, twoRanges], before),
        relation("after", [twoPoints, pointAndRange, rangeAndPoint, twoRanges]) { before($1, $0, $2) },
        relation("meets", [twoRanges], meets),
        relation("met by", [twoRanges]) { meets($1, $0, $2) },
        relation("overlaps", [twoRanges]) { first, last, evaluator in
            before(first, last, evaluator).flatMap { isBefore in
                before(last, first, evaluator).map { !isBefore && !$0 }
            }
        },
        relation("overlaps before", [twoRanges], overlapsBefore),
        relation("overlaps after", [twoRanges]) { overlapsBefore($1, $0, $2) },
        relation("finishes", [pointAndRange, twoRanges], finishes),
        relation("finished by", [rangeAndPoint, twoRanges]) { finishes($1, $0, $2) },
        relation("includes", [rangeAndPoint, twoRanges]) { during($1, $0, $2) },
        relation("during", [pointAndRange, twoRanges], during),
        relation("starts", [pointAndRange, twoRanges], starts),
        relation("started by", [rangeAndPoint, twoRanges]) { starts($1, $0, $2) },
        relation("coincides", [twoPoints, twoRanges]) { first, last, evaluator in
            evaluator.compareStarts(first, last).flatMap { start in
                evaluator.compareEnds(first, last).map { start == 0 && $0 == 0 }
            }
        },
    ]

    private static func relation(_ name: String, _ forms: [String], _ relation: @escaping Relation) -> BuiltinFunction {
        BuiltinFunction(name, forms.joined(separator: " | ")) { evaluator, arguments in
            guard let first = Interval(arguments[0]), let last = Interval(arguments[1]) else { return nil }
            return relation(first, last, evaluator).map(FEELValue.boolean)
        }
    }

    /// The first ends before the second starts.
    private static func before(_ first: Interval, _ last: Interval, _ evaluator: Evaluator) -> Bool? {
        evaluator.order(end: first, start: last).map { order in
            order < 0 || order == 0 && !(first.range.isEndIncluded && last.range.isStartIncluded)
        }
    }

    private static func meets(_ first: Interval, _ last: Interval, _ evaluator: Evaluator) -> Bool? {
        evaluator.order(end: first, start: last).map { order in
            order == 0 && first.range.isEndIncluded && last.range.isStartIncluded
        }
    }

    private static func overlapsBefore(_ first: Interval, _ last: Interval, _ evaluator: Evaluator) -> Bool? {
        guard let starts = evaluator.compareStarts(first, last), let ends = evaluator.compareEnds(first, last),
            let isApart = before(first, last, evaluator)
        else { return nil }
        return starts < 0 && !isApart && ends < 0 || starts < 0 && ends == 0 && !isApart
    }

    private static func finishes(_ first: Interval, _ last: Interval, _ evaluator: Evaluator) -> Bool? {
        guard let ends = evaluator.compareEnds(first, last), let starts = evaluator.compareStarts(first, last) else {
            return nil
        }
        return ends == 0 && starts >= 0
    }

    private static func starts(_ first: Interval, _ last: Interval, _ evaluator: Evaluator) -> Bool? {
        guard let ends = evaluator.compareEnds(first, last), let starts = evaluator.compareStarts(first, last) else {
            return nil
        }
        return starts == 0 && ends <= 0
    }

    private static func during(_ first: Interval, _ last: Interval, _ evaluator: Evaluator) -> Bool? {
        guard let ends = evaluator.compareEnds(first, last), let starts = evaluator.compareStarts(first, last) else {
            return nil
        }
        return starts >= 0 && ends <= 0
    }
}

/// A range, or a point as the range that holds nothing else.
private struct Interval {
    let range: FEELRange

    init?(_ value: FEELValue) {
        switch value {
        case .null, .list, .context, .function, .boolean: return nil
        case .range(let range):
            if range.comparison == .notEqual { return nil }
            self.range = range
        default: self.range = FEELRange(start: value, end: value, isStartIncluded: true, isEndIncluded: true)
        }
    }
}

extension Evaluator {
    /// Compares where two ranges start: one that includes its start point starts earlier.
    fileprivate func compareStarts(_ first: Interval, _ last: Interval) -> Int? {
        switch (first.range.start.isNull, last.range.start.isNull) {
        case (true, true): return 0
        case (true, false): return -1
        case (false, true): return 1
        case (false, false):
            guard let order = self.order(first.range.start, last.range.start) else { return nil }
            if order != 0 || first.range.isStartIncluded == last.range.isStartIncluded { return order }
            return first.range.isStartIncluded ? -1 : 1
        }
    }

    /// Compares where two ranges end: one that includes its end point ends later.
    fileprivate func compareEnds(_ first: Interval, _ last: Interval) -> Int? {
        switch (first.range.end.isNull, last.range.end.isNull) {
        case (true, true): return 0
        case (true, false): return 1
        case (false, true): return -1
        case (false, false):
            guard let order = self.order(first.range.end, last.range.end) else { return nil }
            if order != 0 || first.range.isEndIncluded == last.range.isEndIncluded { return order }
            return first.range.isEndIncluded ? 1 : -1
        }
    }

    /// Compares the end point of one range with the start point of another.
    fileprivate func order(end first: Interval, start last: Interval) -> Int? {
        if first.range.end.isNull || last.range.start.isNull { return 1 }
        return self.order(first.range.end, last.range.start)
    }
}

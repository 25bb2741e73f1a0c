import FEEL
import Foundation
import Testing

struct HostileInputTests {
    /// Runs a body on a thread with the stack of an ordinary secondary thread.
    private func onSmallStack(_ body: @escaping @Sendable () -> Void) {
        let done = DispatchSemaphore(value: 0)
        let thread = Thread {
            body()
            done.signal()
        }
        thread.stackSize = 512 * 1024
        thread.start()
        done.wait()
    }

    static let deep: [String] = {
        let count = 10_000
        func nested(_ open: String, _ middle: String, _ close: String, _ count: Int) -> String {
            String(repeating: open, count: count) + middle + String(repeating: close, count: count)
        }
        return [
            nested("(", "1", ")", count), nested("[", "1", "]", count), nested("{a:", "1", "}", count),
            nested("-", "1", "", count), nested("if true then ", "1", " else 2", 2000),
            nested("if false then 1 else ", "1", "", 2000), nested("a.", "b", "", count),
            nested("not(", "true", ")", count),
            nested("for i in ", "[1]", " return i", 3000), nested("function(x) ", "x", "", 4000),
            nested("a[", "1", "]", count),
            nested("1+", "1", "", count), nested("1**", "1", "", 5000), nested("a and ", "b", "", 8000),
            nested("1=", "1", "", count), nested("some x in y satisfies ", "true", "", 2000),
            nested("]", "1", "", count),
            nested("1 in (", "1", ")", 5000), nested("1 instance of list<", "Any", ">", 1),
            nested("(<", "1", ")", count),
            "1 instance of " + nested("list<", "Any", ">", 5000), "1" + nested(" between 1 and ", "1", "", 3000),
            "a" + String(repeating: "[1]", count: 5000), "a" + String(repeating: "()", count: 5000),
            nested("[1..", "2", "]", 5000),
        ]
    }()

    @Test(arguments: deep.indices)
    func `deep nesting is an error or a value, never a crash`(index: Int) {
        self.onSmallStack {
            let source = HostileInputTests.deep[index]
            guard let expression = try? FEELExpression(source) else { return }
            _ = try? expression.evaluate(FEELContext(), environment: FEELEnvironment())
        }
    }

    @Test func `the deepest allowed nesting evaluates on a small stack`() {
        self.onSmallStack {
            let depth = FEELLimits.default.maximalDepth - 1
            for (open, close) in [
                ("(", ")"), ("[", "]"), ("{a:", "}"), ("if true then ", " else 1"), ("for i in 1..2 return ", ""),
                ("sort([", "])"), ("1+2*3**(", ")"), ("{a: 1 = 1 and 2 < (", ")}"), ("some i in [1] satisfies ", ""),
            ] {
                let half = open.contains("(") && open.count > 1 ? depth / 2 - 1 : depth - 1
                let source = String(repeating: open, count: half) + "1" + String(repeating: close, count: half)
                guard let expression = try? FEELExpression(source) else {
                    Issue.record("refused: \(source)")
                    continue
                }
                _ = try? expression.evaluate(FEELContext(), environment: FEELEnvironment())
            }
        }
    }

    @Test(arguments: [
        "{f: function(n) f(n + 1), r: f(1)}.r",
        "{f: function(n) [if n > 0 then {a: for i in [1] return f(n + 1)} else 0], r: f(1)}.r",
        "{f: function(n) 1 + (2 * (f(n + 1))), r: f(1)}.r",
        "{f: function(n) sort([1, 2], function(a, b) f(n)), r: f(1)}.r",
        "{f: function(n) list replace([1, 2], function(a, b) f(n), 1), r: f(1)}.r",
    ])
    func `endless recursion ends at the depth limit`(source: String) throws {
        let expression = try FEELExpression(source)
        self.onSmallStack {
            #expect(throws: FEELEvaluationError.depthLimitExceeded(FEELEnvironment().depthLimit)) {
                try expression.evaluate(FEELContext(), environment: FEELEnvironment())
            }
        }
    }

    @Test(arguments: [
        "for i in 1..1000000000 return i",
        "some i in 1..1000000000 satisfies i < 0",
        "count(for i in 1..100000, j in 1..100000 return i)",
        "matches(\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\", \"(a+)+$\")",
        "matches(\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\", \"(a|aa)+$\")",
        "for i in 1..100000 return partial",
    ])
    func `endless work ends at a limit`(source: String) throws {
        let expression = try FEELExpression(source)
        let start = ContinuousClock.now

        #expect(throws: FEELEvaluationError.self) {
            try expression.evaluate(FEELContext(), environment: FEELEnvironment())
        }

        #expect(ContinuousClock.now - start < .seconds(20))
    }

    @Test(arguments: [
        "for i in 1..100 return if i = 1 then \"aaaaaaaa\" else partial[-1] + partial[-1]",
        "{a: [1], b: [a,a,a,a], c: [b,b,b,b], d: [c,c,c,c], e: [d,d,d,d], f: [e,e,e,e], g: [f,f,f,f], h: [g,g,g,g],"
            + "i: [h,h,h,h], j: [i,i,i,i], k: [j,j,j,j], l: [k,k,k,k]}.l",
        "for i in 1..10000 return if i = 1 then [1] else [partial[-1]]",
        "for i in 1..100 return if i = 1 then [1] else concatenate(partial[-1], partial[-1])",
    ])
    func `growing values end at a limit`(source: String) throws {
        let expression = try FEELExpression(source)

        #expect(throws: FEELEvaluationError.self) {
            try expression.evaluate(FEELContext(), environment: FEELEnvironment())
        }
    }

    @Test func `sources beyond the limits are refused`() {
        #expect(throws: FEELSyntaxError.self) { try FEELExpression(String(repeating: " ", count: 70_000)) }
        #expect(throws: FEELSyntaxError.self) { try FEELExpression(String(repeating: "1,", count: 20_000)) }
    }
}

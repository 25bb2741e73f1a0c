import FEEL
import Testing

struct PerformanceTests {
    /// The bound only catches blunders such as parsing at every evaluation: it must hold for a debug build on a busy
    /// machine. The measured time is printed.
    @Test(arguments: [
        "a > 10", "order.total", "x + 1", "a > 10 and order.total < 100", "if a > 10 then \"x\" else \"y\"",
    ])
    func `simple expressions are evaluated without parsing them again`(source: String) throws {
        let expression = try FEELExpression(source)
        let order = FEELContext([("id", .string("o-1")), ("total", .number(Decimal(42)))])
        let scope = FEELContext([
            ("a", .number(Decimal(11))), ("order", .context(order)), ("x", .number(Decimal(1))),
        ])
        let environment = FEELEnvironment()
        let count = 20_000
        let start = ContinuousClock.now

        var nullCount = 0
        for _ in 0..<count where try expression.evaluate(scope, environment: environment).value == .null {
            nullCount += 1
        }

        let each = (ContinuousClock.now - start) / count
        print("performance: \(source) takes \(each)")
        #expect(nullCount == 0)
        #expect(each < .microseconds(500))
    }
}

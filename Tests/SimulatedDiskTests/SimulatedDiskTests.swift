import SQLite
import SimulatedDisk
import Testing

struct DiskImageTests {
    @Test func `what was not synced is lost when the power goes`() {
        var image = DiskImage()
        image.create("a")
        image.write("a", [1, 2, 3], at: 0)
        image.sync("a")
        image.write("a", [9], at: 1)
        image.write("a", [7, 7], at: 5)
        image.truncate("a", to: 6)
        image.create("b")

        let lost = image.afterPowerCut(.losesAll)
        let kept = image.afterPowerCut(.losesNothing)

        #expect(image.contents(of: "a") == [1, 9, 3, 0, 0, 7])
        #expect(lost.contents(of: "a") == [1, 2, 3])
        #expect(lost.paths == ["a"])
        #expect(kept.contents(of: "a") == [1, 9, 3, 0, 0, 7])
        #expect(kept.unsyncedCount == 0)
    }

    @Test func `a random loss keeps, drops and tears, the same for the same seed`() {
        var image = DiskImage()
        image.create("a")
        image.sync("a")
        for number in 0..<3 as Range<UInt8> {
            image.write("a", [UInt8](repeating: number + 1, count: 1024), at: Int(number) * 1024)
        }

        let results = (0..<100 as Range<UInt64>).map { image.afterPowerCut(.random(seed: $0)).contents(of: "a") ?? [] }
        let again = (0..<100 as Range<UInt64>).map { image.afterPowerCut(.random(seed: $0)).contents(of: "a") ?? [] }

        #expect(results == again)
        #expect(results.contains { $0.count == 3072 && $0[0] == 0 && $0[1024] == 2 })
        #expect(results.contains { $0.count >= 1024 && $0[0] != $0[512] })
        #expect(results.contains { $0.isEmpty })
    }

    @Test func `a deletion that is not durable may be undone`() {
        var image = DiskImage(files: ["a": [1], "b": [2]])

        image.delete("a", isDurable: false)
        image.delete("b", isDurable: true)

        #expect(image.paths.isEmpty)
        #expect(image.afterPowerCut(.losesAll).paths == ["a"])
        #expect(image.afterPowerCut(.losesNothing).paths.isEmpty)
        image.create("c")
        image.sync("c", withFolder: true)
        #expect(image.afterPowerCut(.losesAll).paths == ["c"])
    }
}

struct SimulatedDiskTests {
    private func options(_ disk: SimulatedDisk, isExclusive: Bool = false) -> DatabaseOptions {
        DatabaseOptions(busyTimeout: .zero, isExclusive: isExclusive, vfs: disk.name)
    }

    @Test func `a database lives on the disk and is found again`() throws {
        let disk = SimulatedDisk()
        let writer = try Database(path: "/state.db", options: self.options(disk))
        try writer.execute("CREATE TABLE t (i); INSERT INTO t VALUES (1)")

        let reader = try Database(path: "/state.db", options: self.options(disk))
        try reader.begin(.deferred)
        let before = try reader.int64("SELECT count(*) FROM t")
        try writer.execute("INSERT INTO t VALUES (2)")
        let during = try reader.int64("SELECT count(*) FROM t")
        try reader.commit()

        #expect(before == 1)
        #expect(during == 1)
        #expect(try reader.int64("SELECT count(*) FROM t") == 2)
        #expect(disk.image.paths == ["/state.db", "/state.db-wal"])
    }

    @Test func `two writers exclude each other`() throws {
        let disk = SimulatedDisk()
        let first = try Database(path: "/state.db", options: self.options(disk))
        try first.execute("CREATE TABLE t (i)")
        let second = try Database(path: "/state.db", options: self.options(disk))

        try first.begin()
        let error = #expect(throws: SQLiteError.self) { try second.begin() }
        try first.commit()
        try second.begin()
        try second.commit()

        #expect(error?.isBusy == true)
    }

    @Test func `an exclusive connection keeps others out`() throws {
        let disk = SimulatedDisk()
        let first = try Database(path: "/state.db", options: self.options(disk, isExclusive: true))
        try first.execute("CREATE TABLE t (i)")

        let error = #expect(throws: SQLiteError.self) {
            try Database(path: "/state.db", options: self.options(disk)).execute("SELECT * FROM t")
        }

        #expect(error?.isBusy == true)
    }

    @Test func `a commit with full synchronisation survives, one without may not`() throws {
        for (synchronous, expected) in [(DatabaseOptions.Synchronous.full, Int64(1)), (.off, 0)] {
            let disk = SimulatedDisk()
            var options = self.options(disk)
            let database = try Database(path: "/state.db", options: options)
            try database.execute("CREATE TABLE t (i)")
            try database.checkpoint(.truncate)
            try database.setSynchronous(synchronous)
            try database.execute("INSERT INTO t VALUES (1)")

            let after = SimulatedDisk(disk.afterPowerCut(.losesAll))
            options.vfs = after.name
            let again = try Database(path: "/state.db", options: options)

            #expect(try again.int64("SELECT count(*) FROM t") == expected)
        }
    }

    @Test func `faults reach SQLite by their names, and end`() throws {
        let disk = SimulatedDisk()
        let database = try Database(path: "/state.db", options: self.options(disk))
        try database.execute("CREATE TABLE t (b)")
        func insert() throws { try database.execute("INSERT INTO t VALUES (zeroblob(100000))") }

        disk.limit(toBytes: disk.image.totalBytes + 5000)
        let full = #expect(throws: SQLiteError.self) { try insert() }
        disk.heal()
        disk.fail(.sync)
        let sync = #expect(throws: SQLiteError.self) { try insert() }
        disk.heal()
        disk.fail(.write, after: 3)
        let write = #expect(throws: SQLiteError.self) { try insert() }
        disk.heal()
        try insert()

        #expect(full?.isDiskFull == true)
        #expect(sync?.name == "SQLITE_IOERR_FSYNC")
        #expect(write?.name == "SQLITE_IOERR_WRITE")
        #expect(try database.int64("SELECT count(*) FROM t") == 1)
    }
}

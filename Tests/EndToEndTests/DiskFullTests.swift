import Foundation
import Glibc
import JSON
import Testing

/// A small file system in memory, to be filled.
final class SmallDisk: Sendable {
    let path: String

    /// Whether this process may mount one.
    static let isAvailable: Bool = {
        guard let disk = try? SmallDisk(megabytes: 1) else { return false }
        disk.remove()
        return true
    }()

    init(megabytes: Int) throws {
        self.path = try Locations.temporaryFolder()
        guard mount("tmpfs", self.path, "tmpfs", 0, "size=\(megabytes)m") == 0 else {
            try? FileManager.default.removeItem(atPath: self.path)
            throw Failure("Expected to mount a tmpfs, but got: \(String(cString: strerror(errno)))")
        }
    }

    func resize(megabytes: Int) throws {
        guard mount("tmpfs", self.path, "tmpfs", UInt(MS_REMOUNT), "size=\(megabytes)m") == 0 else {
            throw Failure("Expected to resize a tmpfs, but got: \(String(cString: strerror(errno)))")
        }
    }

    /// Takes the space that is left, but for so many bytes.
    func fill(leaving remainder: UInt64 = 0) throws {
        let descriptor = open("\(self.path)/filler", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Failure("Expected to open a file for filling the disk") }
        defer { _ = close(descriptor) }
        let block = [UInt8](repeating: 1, count: 4_096)
        while self.availableBytes > remainder, write(descriptor, block, block.count) > 0 {}
    }

    private var availableBytes: UInt64 {
        var facts = statvfs()
        guard statvfs(self.path, &facts) == 0 else { return 0 }
        return UInt64(facts.f_bavail) * UInt64(facts.f_frsize)
    }

    func free() { _ = unlink("\(self.path)/filler") }

    func remove() {
        _ = umount2(self.path, Int32(MNT_DETACH))
        try? FileManager.default.removeItem(atPath: self.path)
    }
}

/// A full disk: commands are refused with a reason, what was acknowledged stays, and work goes on once there is space.
@Suite(.serialized, .enabled(if: SmallDisk.isAvailable, "mounting a tmpfs needs root"))
struct DiskFullTests {
    @Test(.timeLimit(.minutes(3)))
    func `a disk that fills up slowly makes the server refuse commands until there is space`() async throws {
        let disk = try SmallDisk(megabytes: 80)
        defer { disk.remove() }
        try await TestServer.with(data: "\(disk.path)/data") { server in
            try await server.start()
            try await server.deploy(Locations.example("one-task"))

            // The server looks at the space once a second and refuses below an eighth, so it is filled slowly.
            try disk.fill(leaving: 14 << 20)
            let (acknowledged, refusal) = try await self.createUntilRefused(server, pauseMicroseconds: 10_000)
            #expect(acknowledged.count > 10)
            #expect(refusal.status == 503, "\(refusal)")
            #expect(refusal.json.text("detail").contains("disk"), "\(refusal)")
            #expect(refusal.header("content-type") == "application/problem+json")

            // Alive: it answers queries, knows that it is not ready, and shows what was acknowledged.
            let ready = try await server.send(.get("/thalweg/v1/ready"))
            #expect(ready.status == 503)
            #expect(ready.text.contains("disk"), "\(ready)")
            try await self.expectAll(acknowledged, server)

            // With space, work goes on by itself.
            disk.free()
            try disk.resize(megabytes: 256)
            _ = try await eventually("the server to take commands again", within: .seconds(20)) {
                try await server.send(.get("/thalweg/v1/ready")).status == 200 ? true : nil
            }
            let key = try await server.create("one-task")
            try await self.expectAll(acknowledged + [key], server)

            // And everything is still there after a kill.
            try await server.kill()
            try await server.start()
            try await self.expectAll(acknowledged + [key], server)
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func `a disk that is full at once loses nothing that was acknowledged`() async throws {
        let disk = try SmallDisk(megabytes: 80)
        defer { disk.remove() }
        try await TestServer.with(data: "\(disk.path)/data") { server in
            try await server.start()
            try await server.deploy(Locations.example("one-task"))
            var acknowledged: [String] = []
            for _ in 1...20 { acknowledged.append(try await server.create("one-task")) }

            try disk.fill()
            let (more, refusal) = try await self.createUntilRefused(server)
            acknowledged += more
            // 504 is an honest answer here: what is under way is written once there is space, or not at all.
            #expect([500, 503, 504, 0].contains(refusal.status), "\(refusal)")

            // It may have ended, with the reason in its log, but then it starts again once there is space.
            disk.free()
            let isAlive = (try? await server.send(.get("/thalweg/v1/live")))?.status == 200
            if !isAlive {
                #expect(server.log.lowercased().contains("disk"), "\(server.log.suffix(500))")
                try await server.start()
            }
            _ = try await eventually("the server to take commands again", within: .seconds(20)) {
                try await server.send(.get("/thalweg/v1/ready")).status == 200 ? true : nil
            }
            acknowledged.append(try await server.create("one-task"))
            try await self.expectAll(acknowledged, server)
            try await server.kill()
            try await server.start()
            try await self.expectAll(acknowledged, server)
        }
    }

    /// Creates instances until one is refused; status 0 stands for no answer at all.
    private func createUntilRefused(
        _ server: TestServer,
        pauseMicroseconds: UInt32 = 0
    ) async throws -> (keys: [String], refusal: HTTPReply) {
        let port = server.port
        return try await onOwnThread {
            let connection = HTTPConnection(port: port, timeoutSeconds: 30)
            let filler = String(repeating: "x", count: 20_000)
            let body = "{\"processDefinitionId\":\"one-task\",\"variables\":{\"filler\":\"\(filler)\"}}"
            var keys: [String] = []
            for _ in 1...5_000 {
                guard let reply = try? connection.send(.post("/v2/process-instances", body)) else {
                    return (keys, HTTPReply(status: 0))
                }
                guard reply.isSuccess else { return (keys, reply) }
                keys.append(reply.json.text("processInstanceKey"))
                usleep(pauseMicroseconds)
            }
            throw Failure("Expected the disk to become full, but \(keys.count) instances found space")
        }
    }

    private func expectAll(_ keys: [String], _ server: TestServer) async throws {
        let instances = try await server.search("process-instances", "{}", limit: 10_000)
        let shown = Set(instances.map { $0.text("processInstanceKey") })
        let missing = keys.filter { !shown.contains($0) }
        #expect(missing.isEmpty)
    }
}

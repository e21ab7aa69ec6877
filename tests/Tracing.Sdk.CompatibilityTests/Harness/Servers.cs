using MeshDemo;
using MeshDemo.Processes;
using Npgsql;

namespace Tracing.Sdk.CompatibilityTests.Harness;

/// <summary>Real servers, each started for the first test that asks for it and stopped after the last one.</summary>
public sealed class Servers : IAsyncLifetime
{
    public const string Name = "Servers";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("servers-");
    private readonly List<IAsyncDisposable> _started = [];

    // A server that does not start is not tried again by each of its tests.
    private readonly Lazy<Task<Uri>> _rabbitMq;
    private readonly Lazy<Task<string>> _redis, _postgres, _nats, _mariaDb;

    public Servers()
    {
        Reaper.Delete(_folder);
        _rabbitMq = new(() => StartOnFreePortsAsync(StartRabbitMqAsync));
        _redis = new(() => StartOnFreePortsAsync(StartRedisAsync));
        _postgres = new(() => StartOnFreePortsAsync(StartPostgresAsync));
        _nats = new(() => StartOnFreePortsAsync(StartNatsAsync));
        _mariaDb = new(() => StartOnFreePortsAsync(StartMariaDbAsync));
    }

    /// <summary>The URI of a RabbitMQ.</summary>
    public Task<Uri> RabbitMqAsync() => _rabbitMq.Value;

    /// <summary>The address of a Redis, as <c>127.0.0.1:41234</c>.</summary>
    public Task<string> RedisAsync() => _redis.Value;

    /// <summary>The connection string of a PostgreSQL.</summary>
    public Task<string> PostgresAsync() => _postgres.Value;

    /// <summary>The URI of a NATS server.</summary>
    public Task<string> NatsAsync() => _nats.Value;

    /// <summary>The connection string of a MariaDB.</summary>
    public Task<string> MariaDbAsync() => _mariaDb.Value;

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        // PostgreSQL waits for its clients.
        NpgsqlConnection.ClearAllPools();
        await Task.WhenAll(_started.Select(server => server.DisposeAsync().AsTask()));
        _folder.Delete(recursive: true);
    }

    // A port that was free may be taken before the server opens it.
    private static async Task<T> StartOnFreePortsAsync<T>(Func<Task<T>> start)
    {
        try
        {
            return await start();
        }
        catch (DemoException)
        {
            return await start();
        }
    }

    private async Task<Uri> StartRabbitMqAsync()
    {
        var server = await RabbitMqServer.StartAsync(ServerPrograms.RequireRabbitMq(), NewFolder("rabbitmq"));
        _started.Add(server);
        return server.Uri;
    }

    private async Task<string> StartRedisAsync()
    {
        var port = LocalPort.Free();
        await StartAsync("Redis", ServerPrograms.RequireRedis(), ["--port", $"{port}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"], "Ready to accept connections");
        return LocalPort.Address(port);
    }

    private async Task<string> StartNatsAsync()
    {
        var port = LocalPort.Free();
        await StartAsync("NATS", ServerPrograms.RequireNats(), ["--addr", "127.0.0.1", "--port", $"{port}", "--jetstream", "--store_dir", NewFolder("nats")], "Server is ready");
        return "nats://" + LocalPort.Address(port);
    }

    private async Task<string> StartPostgresAsync()
    {
        var programs = ServerPrograms.RequirePostgres();
        var (port, data) = (LocalPort.Free(), NewFolder("postgres"));
        // PostgreSQL refuses to run as root.
        string[] user = Environment.UserName == "root" ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] : [];
        if (user.Length > 0)
        {
            await RunAsync("chmod", "755", _folder.FullName);
            await RunAsync("chown", "postgres", data);
        }

        await RunAsync([.. user, Path.Combine(programs, "initdb"), "--pgdata", data, "--username=tracing", "--auth=trust", "--no-sync"]);
        string[] command = [.. user, Path.Combine(programs, "postgres"), "-D", data, "-p", $"{port}", "-h", "127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off"];
        await StartAsync("PostgreSQL", command[0], command[1..], "ready to accept connections", data);
        return $"Host=127.0.0.1;Port={port};Username=tracing;Database=postgres";
    }

    private async Task<string> StartMariaDbAsync()
    {
        var program = ServerPrograms.RequireMariaDb();
        var (port, data) = (LocalPort.Free(), NewFolder("mariadb"));
        // Runs as root only where the user is named.
        var user = $"--user={Environment.UserName}";
        await RunAsync("mariadb-install-db", "--no-defaults", $"--datadir={data}", "--auth-root-authentication-method=normal", "--skip-test-db", user);
        await StartAsync(
            "MariaDB", program, ["--no-defaults", $"--datadir={data}", $"--port={port}", "--bind-address=127.0.0.1", $"--socket={Path.Combine(data, "socket")}", user], "ready for connections");
        return $"Server=127.0.0.1;Port={port};User ID=root;Database=mysql";
    }

    private string NewFolder(string name) => _folder.CreateSubdirectory($"{name}-{_folder.GetDirectories().Length}").FullName;

    private async Task StartAsync(string name, string program, IEnumerable<string> arguments, string readyLine, string? directory = null)
    {
        var process = ChildProcess.Start(name, program, arguments, directory: directory);
        _started.Add(process);
        await process.WaitForLineAsync(line => line.Contains(readyLine, StringComparison.Ordinal) ? line : null, "get ready", Patience.Limit, CancellationToken.None);
    }

    private async Task RunAsync(params string[] command)
    {
        var name = command.First(word => word is not "setpriv" && !word.StartsWith('-'));
        await using var process = ChildProcess.Start(Path.GetFileName(name), command[0], command[1..], directory: _folder.FullName);
        await process.Exited.WithinAMinuteAsync($"{command[0]} has not ended");
        if (process.ExitCode != 0) throw process.Died("before a server could start");
    }
}

/// <summary>Test classes with <c>[Collection(Servers.Name)]</c> share the servers.</summary>
[CollectionDefinition(Servers.Name)]
public sealed class SharedServers : ICollectionFixture<Servers>;

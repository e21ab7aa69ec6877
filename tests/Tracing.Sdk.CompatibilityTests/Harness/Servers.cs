using MeshDemo.Processes;
using Npgsql;

namespace Tracing.Sdk.CompatibilityTests.Harness;

/// <summary>Real servers, each started for the first test that asks for it and stopped after the last one.</summary>
public sealed class Servers : IAsyncLifetime
{
    public const string Name = "Servers";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("servers-");
    private readonly List<ChildProcess> _processes = [];
    private RabbitMqServer? _rabbitMq;
    private string? _redis, _postgres, _nats, _mariaDb;

    /// <summary>The URI of a RabbitMQ.</summary>
    public async Task<Uri> RabbitMqAsync() => _rabbitMq?.Uri ?? await StartRabbitMqAsync(ServerPrograms.RequireRabbitMq());

    /// <summary>The address of a Redis, as <c>127.0.0.1:41234</c>.</summary>
    public async Task<string> RedisAsync() => _redis ??= await StartRedisAsync(ServerPrograms.RequireRedis());

    /// <summary>The connection string of a PostgreSQL.</summary>
    public async Task<string> PostgresAsync() => _postgres ??= await StartPostgresAsync(ServerPrograms.RequirePostgres());

    /// <summary>The URI of a NATS server.</summary>
    public async Task<string> NatsAsync() => _nats ??= await StartNatsAsync(ServerPrograms.RequireNats());

    /// <summary>The connection string of a MariaDB.</summary>
    public async Task<string> MariaDbAsync() => _mariaDb ??= await StartMariaDbAsync(ServerPrograms.RequireMariaDb());

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        // PostgreSQL waits for its clients.
        NpgsqlConnection.ClearAllPools();
        await Task.WhenAll(_processes.Select(process => process.DisposeAsync().AsTask()));
        if (_rabbitMq is not null) await _rabbitMq.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    private async Task<Uri> StartRabbitMqAsync(string program)
    {
        _rabbitMq = await RabbitMqServer.StartAsync(program, _folder.CreateSubdirectory("rabbitmq").FullName);
        return _rabbitMq.Uri;
    }

    private async Task<string> StartRedisAsync(string program)
    {
        var port = LocalPort.Free();
        await StartAsync("Redis", program, ["--port", $"{port}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"], "Ready to accept connections");
        return LocalPort.Address(port);
    }

    private async Task<string> StartNatsAsync(string program)
    {
        var port = LocalPort.Free();
        await StartAsync("NATS", program, ["--addr", "127.0.0.1", "--port", $"{port}", "--jetstream", "--store_dir", _folder.CreateSubdirectory("nats").FullName], "Server is ready");
        return "nats://" + LocalPort.Address(port);
    }

    private async Task<string> StartPostgresAsync(string programs)
    {
        var (port, data) = (LocalPort.Free(), _folder.CreateSubdirectory("postgres").FullName);
        // PostgreSQL refuses to run as root.
        string[] user = Environment.UserName == "root" ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] : [];
        if (user.Length > 0)
        {
            await RunAsync("chmod", "chmod", "755", _folder.FullName);
            await RunAsync("chown", "chown", "postgres", data);
        }

        await RunAsync("initdb", [.. user, Path.Combine(programs, "initdb"), "--pgdata", data, "--username=tracing", "--auth=trust", "--no-sync"]);
        string[] command = [.. user, Path.Combine(programs, "postgres"), "-D", data, "-p", $"{port}", "-h", "127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off"];
        await StartAsync("PostgreSQL", command[0], command[1..], "ready to accept connections", directory: data);
        return $"Host=127.0.0.1;Port={port};Username=tracing;Database=postgres";
    }

    private async Task<string> StartMariaDbAsync(string program)
    {
        var (port, data) = (LocalPort.Free(), _folder.CreateSubdirectory("mariadb").FullName);
        // Runs as root only where the user is named.
        var user = $"--user={Environment.UserName}";
        await RunAsync("mariadb-install-db", "mariadb-install-db", "--no-defaults", $"--datadir={data}", "--auth-root-authentication-method=normal", "--skip-test-db", user);
        await StartAsync(
            "MariaDB", program, ["--no-defaults", $"--datadir={data}", $"--port={port}", "--bind-address=127.0.0.1", $"--socket={Path.Combine(data, "socket")}", user], "ready for connections");
        return $"Server=127.0.0.1;Port={port};User ID=root;Database=mysql";
    }

    private async Task StartAsync(
        string name, string program, IEnumerable<string> arguments, string readyLine, IReadOnlyDictionary<string, string>? environment = null, string? directory = null)
    {
        var process = ChildProcess.Start(name, program, arguments, environment, directory);
        _processes.Add(process);
        await process.WaitForLineAsync(line => line.Contains(readyLine, StringComparison.Ordinal) ? line : null, "get ready", Patience, CancellationToken.None);
    }

    private async Task RunAsync(string name, params string[] command)
    {
        await using var process = ChildProcess.Start(name, command[0], command[1..], directory: _folder.FullName);
        await process.Exited.WaitAsync(Patience);
    }
}

/// <summary>Test classes with <c>[Collection(Servers.Name)]</c> share the servers.</summary>
[CollectionDefinition(Servers.Name)]
public sealed class SharedServers : ICollectionFixture<Servers>;

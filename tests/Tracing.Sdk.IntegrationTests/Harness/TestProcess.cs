using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace Tracing.Sdk.IntegrationTests.Harness;

/// <summary>A process of the test's own: started with a clean OTEL_* environment, heard on both outputs, ended with its children.</summary>
public sealed class TestProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly ConcurrentQueue<string> _lines = new();
    private readonly List<(string Text, TaskCompletionSource<string> Seen)> _awaited = [];

    private TestProcess(Process process) => _process = process;

    /// <summary>What the process has said so far, for failure messages and for tests of the log.</summary>
    public string Output => string.Join('\n', _lines);

    public int Id => _process.Id;

    public static TestProcess Start(string fileName, IEnumerable<string> arguments, IEnumerable<KeyValuePair<string, string>> environment)
    {
        var start = new ProcessStartInfo(fileName, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Path.GetTempPath(),
        };
        foreach (var inherited in start.Environment.Keys.Where(IsSetting).ToList())
            start.Environment.Remove(inherited);
        foreach (var (name, value) in environment)
            start.Environment[name] = value;

        var process = new TestProcess(new Process { StartInfo = start });
        process._process.OutputDataReceived += (_, line) => process.Heard(line.Data);
        process._process.ErrorDataReceived += (_, line) => process.Heard(line.Data);
        process._process.Start();
        process._process.BeginOutputReadLine();
        process._process.BeginErrorReadLine();
        return process;
    }

    /// <summary>Starts an ASP.NET Core service on a free port and answers its base address once it listens.</summary>
    public static async Task<(TestProcess Process, Uri Address)> StartWebAsync(
        string assembly, IEnumerable<KeyValuePair<string, string>> environment)
    {
        const string Listening = "Now listening on: ";
        var process = Start("dotnet", [assembly], [new("ASPNETCORE_URLS", "http://127.0.0.1:0"), .. environment]);
        var line = await process.WaitForLineAsync(Listening);
        return (process, new Uri(line[(line.IndexOf(Listening, StringComparison.Ordinal) + Listening.Length)..].Trim()));
    }

    /// <summary>The first line that contains <paramref name="text"/>, said already or still to come.</summary>
    public async Task<string> WaitForLineAsync(string text)
    {
        var seen = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_awaited)
        {
            if (_lines.FirstOrDefault(line => line.Contains(text, StringComparison.Ordinal)) is { } said)
                return said;
            _awaited.Add((text, seen));
        }

        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var exit = _process.WaitForExitAsync(patience.Token);
        if (await Task.WhenAny(seen.Task, exit) == seen.Task)
            return await seen.Task;
        throw new InvalidOperationException($"'{_process.StartInfo.FileName} {string.Join(' ', _process.StartInfo.ArgumentList)}' never said '{text}':\n{Output}");
    }

    public async Task<int> WaitForExitAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await _process.WaitForExitAsync(patience.Token);
        return _process.ExitCode;
    }

    /// <summary>Asks the process to stop, as a container runtime does, and waits until it has.</summary>
    public async Task StopAsync()
    {
        using (var kill = Process.Start("kill", ["-TERM", Id.ToString(CultureInfo.InvariantCulture)]))
            await kill.WaitForExitAsync();
        await WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    // What the machine that runs the tests is set to must not decide how the service behaves.
    private static bool IsSetting(string name) =>
        name.StartsWith("OTEL_", StringComparison.OrdinalIgnoreCase)
        || name.StartsWith("MeshTracing__", StringComparison.OrdinalIgnoreCase)
        || name.StartsWith("ASPNETCORE_", StringComparison.OrdinalIgnoreCase)
        || name.StartsWith("DOTNET_ENVIRONMENT", StringComparison.OrdinalIgnoreCase)
        || name.EndsWith("_PROXY", StringComparison.OrdinalIgnoreCase);

    private void Heard(string? line)
    {
        if (line is null) return;
        lock (_awaited)
        {
            _lines.Enqueue(line);
            foreach (var (_, seen) in _awaited.Where(awaited => line.Contains(awaited.Text, StringComparison.Ordinal)))
                seen.TrySetResult(line);
        }
    }
}

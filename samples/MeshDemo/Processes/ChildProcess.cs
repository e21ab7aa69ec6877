using System.Diagnostics;
using System.Runtime.InteropServices;

namespace MeshDemo.Processes;

/// <summary>A program that the demo started: its last lines of output, a way to wait for one of them, and its end.</summary>
internal sealed class ChildProcess : IAsyncDisposable
{
    private const int TailLines = 15, TailColumns = 300;
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(5);

    private readonly Process _process;
    private readonly TaskCompletionSource _exited = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Any thread, under the lock on _tail.
    private readonly Queue<string> _tail = new();
    private readonly List<(Func<string, string?> Match, TaskCompletionSource<string> Found)> _waiters = [];

    private ChildProcess(string label, Process process)
    {
        Label = label;
        _process = process;
    }

    /// <summary>What reports call it.</summary>
    public string Label { get; }

    /// <summary>Completes when the program has ended, for whatever reason.</summary>
    public Task Exited => _exited.Task;

    /// <summary>How the program has ended: 0 where nothing is wrong.</summary>
    public int ExitCode => _process.ExitCode;

    /// <summary>The last lines that it wrote to standard output and standard error.</summary>
    public string Tail
    {
        get
        {
            lock (_tail)
                return string.Join(Environment.NewLine, _tail.Select(line => "    " + (line.Length > TailColumns ? line[..TailColumns] + "..." : line)));
        }
    }

    /// <exception cref="DemoException">The program cannot be started.</exception>
    public static ChildProcess Start(
        string label, string fileName, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null, string? directory = null)
    {
        var start = new ProcessStartInfo(fileName, arguments)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = directory ?? "",
        };
        MakeReproducible(start);
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;

        var child = new ChildProcess(label, new Process { StartInfo = start });
        child.Run();
        return child;
    }

    /// <summary>
    /// Waits for the first line of output for which <paramref name="match"/> returns something, and returns that.
    /// Lines that have been written already count.
    /// </summary>
    /// <exception cref="DemoException">The program ended, or the time ran out: the message has the tail of its output.</exception>
    public async Task<string> WaitForLineAsync(Func<string, string?> match, string what, TimeSpan timeout, CancellationToken cancellation)
    {
        var found = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_tail)
        {
            if (_tail.Select(match).FirstOrDefault(value => value is not null) is { } value)
                return value;
            _waiters.Add((match, found));
        }

        try
        {
            await Task.WhenAny(found.Task, Exited).WaitAsync(timeout, cancellation);
        }
        catch (TimeoutException)
        {
            throw new DemoException($"{Label} did not {what} within {timeout.TotalSeconds:0} seconds.", Tail);
        }

        // Exited completes only after the last line has been read, so a line that came just before the end is not missed.
        if (found.Task.IsCompletedSuccessfully)
            return await found.Task;
        throw Died($"before it could {what}");
    }

    /// <summary>What to throw when the program has ended and should not have.</summary>
    public DemoException Died(string when) => new($"{Label} ended with code {ExitCode} {when}.", Tail);

    /// <summary>Asks the program to end, so that it sends its last spans, and kills it when it takes too long.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!Exited.IsCompleted)
        {
            AskToEnd();
            await Task.WhenAny(Exited, Task.Delay(StopTimeout));
        }

        if (!Exited.IsCompleted)
        {
            try
            {
                _process.Kill(entireProcessTree: true);
                await Exited;
            }
            catch (InvalidOperationException)
            {
                // It ended by itself a moment ago.
            }
        }

        _process.Dispose();
    }

    // Proxy and OTEL_* variables of the environment would change what the demo shows.
    private static void MakeReproducible(ProcessStartInfo start)
    {
        foreach (var name in start.Environment.Keys.ToArray())
        {
            if (name.StartsWith("OTEL_", StringComparison.Ordinal) || name.StartsWith("MeshTracing__", StringComparison.OrdinalIgnoreCase)
                || name.StartsWith("ASPNETCORE_", StringComparison.Ordinal) || name.EndsWith("_proxy", StringComparison.OrdinalIgnoreCase))
            {
                start.Environment.Remove(name);
            }
        }
    }

    // Envoy has the kernel end it together with the thread that started it (prctl PR_SET_PDEATHSIG), and a thread of the pool ends after
    // some twenty idle seconds: so each program is started by a thread that lives as long as the program does.
    private void Run()
    {
        var started = new TaskCompletionSource();
        new Thread(() => StartAndAwaitEnd(started)) { IsBackground = true, Name = Label }.Start();
        try
        {
            started.Task.GetAwaiter().GetResult();
        }
        catch (Exception e) when (e is System.ComponentModel.Win32Exception or FileNotFoundException)
        {
            throw new DemoException($"{Label} cannot be started: {e.Message}");
        }
    }

    private void StartAndAwaitEnd(TaskCompletionSource started)
    {
        try
        {
            _process.OutputDataReceived += (_, line) => Read(line.Data);
            _process.ErrorDataReceived += (_, line) => Read(line.Data);
            _process.Start();
            _process.BeginOutputReadLine();
            _process.BeginErrorReadLine();
            Reaper.Watch(_process.Id);
        }
        catch (Exception e)
        {
            started.SetException(e);
            return;
        }

        started.SetResult();
        // Also waits for the end of both streams.
        _process.WaitForExit();
        Reaper.Forget(_process.Id);
        _exited.TrySetResult();
    }

    private void Read(string? line)
    {
        if (line is null)
            return;
        lock (_tail)
        {
            _tail.Enqueue(line);
            if (_tail.Count > TailLines)
                _tail.Dequeue();
            for (var i = _waiters.Count - 1; i >= 0; i--)
            {
                if (_waiters[i].Match(line) is { } value)
                {
                    _waiters[i].Found.TrySetResult(value);
                    _waiters.RemoveAt(i);
                }
            }
        }
    }

    private void AskToEnd()
    {
        const int sigterm = 15;
        // .NET has no call for it, and Windows no such signal: there the program is killed at once.
        if (OperatingSystem.IsWindows() || kill(_process.Id, sigterm) != 0)
            _process.Kill(entireProcessTree: true);
    }

#pragma warning disable IDE1006, SYSLIB1054 // The name is libc's; generated marshalling would need unsafe code for two ints.
    [DllImport("libc"), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int kill(int processId, int signal);
#pragma warning restore IDE1006, SYSLIB1054
}

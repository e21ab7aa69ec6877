using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Tracing.Sdk.IntegrationTests.Harness;

namespace Tracing.Sdk.IntegrationTests.Endings;

/// <summary>What a process that has ended left behind: its exit code and everything that it wrote.</summary>
internal sealed partial record EndedProcess(int ExitCode, string Output)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    /// <summary>Spans that the process says it ended.</summary>
    public long Ended => Regex.Matches(Output, @"^ended (\d+)", RegexOptions.Multiline).Select(match => Number(match.Groups[1])).LastOrDefault(-1);

    /// <summary>The last of the lines that say what became of all spans; null when there is none.</summary>
    public LastLine? LastLine => LastLinePattern().Matches(Output)
        .Select(match => new LastLine(Number(match.Groups["started"]), Number(match.Groups["exported"]), Number(match.Groups["dropped"]), Number(match.Groups["live"])))
        .MaxBy(line => line.Started);

    /// <summary>Runs the test service until it has ended, with a signal as soon as it is ready for one.</summary>
    public static async Task<EndedProcess> RunAsync(IEnumerable<string> arguments, int? signal, IReadOnlyDictionary<string, string> environment)
    {
        // A process inherits which signals are ignored, and what runs these tests may ignore some, as nohup and background jobs of a shell do.
        string[] command = OperatingSystem.IsLinux() ? ["env", "--default-signal=HUP,INT,QUIT,TERM", "dotnet"] : ["dotnet"];
        var start = new ProcessStartInfo(command[0], [.. command[1..], TestService.Dll, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("OTEL_", StringComparison.Ordinal)).ToArray()) start.Environment.Remove(name);
        foreach (var (name, value) in environment) start.Environment[name] = value;

        using var process = Process.Start(start)!;
        using var patience = new CancellationTokenSource(Patience);
        await using var kill = patience.Token.Register(() => process.Kill(entireProcessTree: true));
        var errors = process.StandardError.ReadToEndAsync(CancellationToken.None);
        var output = "";
        while (await process.StandardOutput.ReadLineAsync(CancellationToken.None) is { } line)
        {
            output += line + "\n";
            if (line == "ready" && signal is { } number) Assert.Equal(0, Kill(process.Id, number));
        }

        output += await errors;
        await process.WaitForExitAsync(CancellationToken.None);
        return new EndedProcess(process.ExitCode, patience.IsCancellationRequested ? $"Killed after {Patience}.\n{output}" : output);
    }

    private static long Number(Group group) => group.Success ? long.Parse(group.Value, CultureInfo.InvariantCulture) : 0;

    [GeneratedRegex(@"Tracing stopped: (?<started>\d+) spans started, (?<exported>\d+) exported, (?<dropped>\d+) dropped( \([^)]*\))?(, (?<live>\d+) not ended.*)?\r?$", RegexOptions.Multiline)]
    private static partial Regex LastLinePattern();

#pragma warning disable SYSLIB1054 // Generated marshalling would need unsafe code for two ints.
    [DllImport("libc", EntryPoint = "kill"), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int processId, int signal);
#pragma warning restore SYSLIB1054
}

/// <summary>The counts of the line "Tracing stopped: ...".</summary>
internal sealed record LastLine(long Started, long Exported, long Dropped, long NotEnded);

using System.Diagnostics;

namespace Tracing.Sdk.IntegrationTests.Packages;

/// <summary>The dotnet command, as a user types it.</summary>
internal static class DotNet
{
    /// <summary>Runs it to its end and answers with its exit code and all that it said.</summary>
    public static async Task<(int ExitCode, string Output)> RunAsync(string folder, Dictionary<string, string> environment, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [.. arguments, "-nodeReuse:false"])
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };

        // What `dotnet test` tells its own children would reach this build too.
        foreach (var inherited in start.Environment.Keys.Where(name => name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)).ToList())
            start.Environment.Remove(inherited);
        foreach (var (name, value) in environment)
            start.Environment[name] = value;

        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, await output + await errors);
    }

    public static async Task<string> SucceedAsync(string folder, Dictionary<string, string> environment, params string[] arguments)
    {
        var (exitCode, output) = await RunAsync(folder, environment, arguments);
        if (exitCode != 0)
            Assert.Fail($"dotnet {string.Join(' ', arguments)} ended with {exitCode}:\n{output}");
        return output;
    }
}

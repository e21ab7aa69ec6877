using System.Diagnostics;

namespace MeshDemo.Processes;

/// <summary>Restores and builds projects that are not in the solution, because what they need is large and not there for every kind of system.</summary>
internal static class MSBuild
{
    /// <summary>Restores a project, runs one of its targets, and returns the value that one of its properties has then.</summary>
    /// <exception cref="DemoException">It failed: the message has its output.</exception>
    public static async Task<string> RunAsync(
        string project, string target, string property, IEnumerable<string> arguments, CancellationToken cancellation = default)
    {
        var start = new ProcessStartInfo(
            ServiceProcess.DotNet, ["msbuild", project, "-restore", $"-target:{target}", $"-getProperty:{property}", "-nodeReuse:false", .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // What `dotnet run` and `dotnet test` tell their own children would reach this build too.
        foreach (var inherited in start.Environment.Keys.Where(name => name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)).ToArray())
            start.Environment.Remove(inherited);

        using var build = Process.Start(start)!;
        var output = build.StandardOutput.ReadToEndAsync(cancellation);
        var errors = build.StandardError.ReadToEndAsync(cancellation);
        await build.WaitForExitAsync(cancellation);
        return build.ExitCode == 0
            ? (await output).Trim()
            : throw new DemoException($"{Path.GetFileNameWithoutExtension(project)} could not be built.", $"{await output}\n{await errors}".Trim());
    }
}

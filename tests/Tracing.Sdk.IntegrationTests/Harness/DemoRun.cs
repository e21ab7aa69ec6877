using System.Diagnostics;
using MeshDemo.Processes;

namespace Tracing.Sdk.IntegrationTests.Harness;

/// <summary>MeshDemo as a user starts it.</summary>
internal static class DemoRun
{
    /// <summary>Runs it with <c>--once</c> to its end, which must be a success; returns what it wrote.</summary>
    public static async Task<string> OnceAsync(params string[] arguments)
    {
        using var demo = Process.Start(new ProcessStartInfo(ServiceProcess.DotNet, [ServiceProcess.MeshDemoDll, "--once", .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var (output, errors) = (demo.StandardOutput.ReadToEndAsync(), demo.StandardError.ReadToEndAsync());
        await demo.WaitForExitAsync();
        Assert.True(demo.ExitCode == 0, await output + await errors);
        return await output;
    }
}

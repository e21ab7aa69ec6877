using System.Reflection;

namespace MeshDemo.Processes;

/// <summary>An ASP.NET Core service as a process of its own, on a port that the system chose.</summary>
internal sealed class ServiceProcess : IAsyncDisposable
{
    private const string Listening = "Now listening on: ";
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(30);

    private ServiceProcess(ChildProcess process, Uri address)
    {
        Process = process;
        Address = address;
    }

    public ChildProcess Process { get; }

    /// <summary>Where it listens, such as http://127.0.0.1:41233/.</summary>
    public Uri Address { get; }

    /// <summary>The API service of the samples, built together with this project.</summary>
    public static string ApiServiceDll => BuiltWithDemo("ApiService");

    /// <summary>The data service of the samples, built together with this project.</summary>
    public static string DataServiceDll => BuiltWithDemo("DataService");

    /// <summary>This program, which is also the collector and the stand-in proxy.</summary>
    public static string MeshDemoDll => typeof(ServiceProcess).Assembly.Location;

    /// <summary>
    /// Starts <c>dotnet dll arguments</c> and returns when it has written where it listens. It gets the variables of this process and those of
    /// <paramref name="environment"/>; OTEL_* variables are not inherited.
    /// </summary>
    /// <exception cref="DemoException">It ended, or wrote no address for half a minute.</exception>
    public static async Task<ServiceProcess> StartAsync(
        string label, string dll, IReadOnlyDictionary<string, string> environment, IEnumerable<string>? arguments = null, CancellationToken cancellation = default)
    {
        // Port 0: the system chooses a free port when the service binds it, so no other program can take it in between.
        string[] all = [dll, .. arguments ?? [], "--urls", "http://127.0.0.1:0"];
        // Its appsettings.json is looked for in the working directory.
        var process = ChildProcess.Start(label, DotNet, all, environment, Path.GetDirectoryName(dll));
        try
        {
            var address = await process.WaitForLineAsync(
                line => line.IndexOf(Listening, StringComparison.Ordinal) is var at and >= 0 ? line[(at + Listening.Length)..].Trim() : null,
                "start to listen", StartTimeout, cancellation);
            return new ServiceProcess(process, new Uri(address));
        }
        catch
        {
            await process.DisposeAsync();
            throw;
        }
    }

    public ValueTask DisposeAsync() => Process.DisposeAsync();

    internal static string DotNet =>
        Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") is { Length: > 0 } host ? host : "dotnet";

    private static string BuiltWithDemo(string name) =>
        typeof(ServiceProcess).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(metadata => metadata.Key == name).Value!;
}

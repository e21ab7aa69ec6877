using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;

namespace AppHost;

/// <summary>The listeners of samples/envoy/otel.yaml, by the ports that they have in it.</summary>
internal enum Listener
{
    Front = 10000,
    Egress = 10001,
}

/// <summary>
/// Envoy as a resource: a program where there is one (ENVOY_PATH, then the PATH), otherwise a container. It runs samples/envoy/otel.yaml with
/// the addresses that Aspire has given out, and sends its spans to the dashboard.
/// </summary>
internal static partial class EnvoyResource
{
    private const string Image = "envoyproxy/envoy", Tag = "v1.40-latest", FolderInContainer = "/mesh", Admin = "admin", Http = "http";
    private const int AdminPort = 9901, ApiPort = 5001, DataPort = 5002, CollectorPort = 4318;

    /// <summary>Adds an Envoy that serves one of the listeners and sends what comes there to <paramref name="to"/>.</summary>
    /// <param name="builder">The application.</param>
    /// <param name="name">The resource, and the service of its spans.</param>
    /// <param name="listener">The listener that is used.</param>
    /// <param name="to">The service behind it, which is started first.</param>
    /// <param name="files">Where to write the configuration.</param>
    /// <param name="port">Where it listens; by default any port that is free.</param>
    public static IResourceBuilder<IResourceWithEndpoints> AddEnvoy(
        this IDistributedApplicationBuilder builder, string name, Listener listener, EndpointReference to, DirectoryInfo files, int? port = null)
    {
        var file = Path.Combine(files.FullName, name + ".yaml");
        string[] arguments = ["--service-cluster", name, "--service-node", name, "--use-dynamic-base-id", "--log-level", "warn"];
        if (Find() is { } path)
        {
            // Envoy opens the ports itself: the configuration has to say them, so nothing of Aspire's stands in between.
            var (own, admin) = (port ?? FreePort(), FreePort());
            return Configure(builder.AddExecutable(name, path, files.FullName, ["-c", file, .. arguments]), own, admin, IPAddress.Loopback)
                .WithHttpEndpoint(port: own, targetPort: own, name: Http, isProxied: false)
                .WithHttpEndpoint(port: admin, targetPort: admin, name: Admin, isProxied: false)
                .WithHttpHealthCheck("/ready", endpointName: Admin);
        }

        return Configure(builder.AddContainer(name, Image, Tag), (int)listener, AdminPort, IPAddress.Any)
            .WithBindMount(files.FullName, FolderInContainer, isReadOnly: true)
            // The image would run Envoy as a user of its own, which may not read the folder.
            .WithEnvironment("ENVOY_UID", "0")
            .WithArgs(["-c", $"{FolderInContainer}/{Path.GetFileName(file)}", .. arguments])
            .WithHttpEndpoint(port: port, targetPort: (int)listener, name: Http)
            .WithHttpEndpoint(targetPort: AdminPort, name: Admin)
            .WithHttpHealthCheck("/ready", endpointName: Admin);

        // Aspire asks for the variables of a resource when the addresses that it needs are known, and before it is started.
        IResourceBuilder<T> Configure<T>(IResourceBuilder<T> envoy, int own, int admin, IPAddress listenOn)
            where T : IResourceWithEnvironment, IResourceWithWaitSupport => envoy
            .WaitFor(builder.CreateResourceBuilder(to.Resource))
            .WithOtlpExporter(OtlpProtocol.HttpProtobuf)
            .WithEnvironment(async variables =>
            {
                var upstream = await AddressAsync(to.Property(EndpointProperty.Url), variables);
                var collector = await AddressAsync(variables.EnvironmentVariables["OTEL_EXPORTER_OTLP_ENDPOINT"], variables);
                var headers = variables.EnvironmentVariables.GetValueOrDefault("OTEL_EXPORTER_OTLP_HEADERS") as string;
                await File.WriteAllTextAsync(file, Render(listener, own, admin, listenOn, upstream, collector, headers), variables.CancellationToken);
            });
    }

    // The file with these addresses in the place of its own. The listener that is not used gets a port of the system's choice.
    private static string Render(Listener listener, int own, int admin, IPAddress listenOn, Uri upstream, Uri collector, string? headers)
    {
        using var resource = typeof(EnvoyResource).Assembly.GetManifestResourceStream("otel.yaml")!;
        using var reader = new StreamReader(resource);
        var any = listenOn.ToString();
        var addresses = new Dictionary<int, (string Host, int Port)>
        {
            [AdminPort] = (any, admin),
            [(int)Listener.Front] = (any, listener == Listener.Front ? own : 0),
            [(int)Listener.Egress] = (any, listener == Listener.Egress ? own : 0),
            [ApiPort] = (upstream.Host, upstream.Port),
            [DataPort] = (upstream.Host, upstream.Port),
            [CollectorPort] = (collector.Host, collector.Port),
        };
        var text = SocketAddress().Replace(reader.ReadToEnd().Replace("type: STATIC", "type: STRICT_DNS", StringComparison.Ordinal), match =>
        {
            var (host, port) = addresses[int.Parse(match.Groups["port"].Value, CultureInfo.InvariantCulture)];
            return $"address: {host}, port_value: {port}";
        });

        // The dashboard takes spans that come with its key, and knows a resource again by service.instance.id, which Envoy reads from
        // OTEL_RESOURCE_ATTRIBUTES.
        return HttpUri().Replace(text, match => match.Value + RequestHeaders(headers, match.Groups["indent"].Value)
            + match.Groups["outer"].Value + """
            resource_detectors:
            - name: envoy.tracers.opentelemetry.resource_detectors.environment
              typed_config: { "@type": type.googleapis.com/envoy.extensions.tracers.opentelemetry.resource_detectors.v3.EnvironmentResourceDetectorConfig }
            """.ReplaceLineEndings(match.Groups["outer"].Value));
    }

    // OTEL_EXPORTER_OTLP_HEADERS: a=1,b=2
    private static string RequestHeaders(string? headers, string indent) => string.IsNullOrEmpty(headers) ? "" :
        $"{indent}request_headers_to_add:" + string.Concat(headers.Split(',').Select(header => header.Split('=', 2)).Select(pair =>
            $"{indent}- header: {{ key: {pair[0]}, value: \"{Uri.UnescapeDataString(pair[1])}\" }}"));

    private static async Task<Uri> AddressAsync(object value, EnvironmentCallbackContext variables)
    {
        // A container sees this machine under another name: the answer depends on where it is asked for.
        var asker = new ValueProviderContext { ExecutionContext = variables.ExecutionContext, Caller = variables.Resource };
        var url = new UriBuilder((value is IValueProvider provider ? await provider.GetValueAsync(asker, variables.CancellationToken) : value.ToString())!);
        // Envoy would try ::1 first.
        if (url.Host == "localhost") url.Host = "127.0.0.1";
        return url.Uri;
    }

    private static string? Find()
    {
        if (Environment.GetEnvironmentVariable("ENVOY_PATH") is { Length: > 0 } path)
            return Path.GetFullPath(path);
        return (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Select(folder => Path.Combine(folder, OperatingSystem.IsWindows() ? "envoy.exe" : "envoy"))
            .FirstOrDefault(File.Exists);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    [GeneratedRegex(@"address: 127\.0\.0\.1, port_value: (?<port>\d+)")]
    private static partial Regex SocketAddress();

    [GeneratedRegex(@"(?<outer>\n +)http_service:(\n +#.*)*(?<indent>\n +)http_uri: .*")]
    private static partial Regex HttpUri();
}

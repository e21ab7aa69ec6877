using System.Globalization;
using System.Reflection;
using MeshDemo.Processes;
using Tracing.Sdk.IntegrationTests.Harness;
using Tracing.Sdk.IntegrationTests.Mesh;
using Tracing.Sdk.IntegrationTests.Packages;

namespace Tracing.Sdk.IntegrationTests.Aspire;

/// <summary>samples/AppHost as `dotnet run` starts it: the orchestrator, the dashboard, both services and two Envoys.</summary>
[Collection(AspireSuite.Name)]
public sealed class AppHostTests
{
    // Set for the AppHost, and inherited by all that it starts.
    private const string Marker = "APPHOST_TESTS_MARKER";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly string _mark = Guid.NewGuid().ToString("N"), _apiKey = Guid.NewGuid().ToString("N");
    private readonly int _page = LocalPort.Free(), _otlpGrpc = LocalPort.Free(), _otlpHttp = LocalPort.Free(), _resources = LocalPort.Free(), _front = LocalPort.Free();

    private static string Project { get; } = Path.Combine(PackageFixture.RepositoryRoot, "samples", "AppHost", "AppHost.csproj");

    private static string Configuration { get; } = typeof(AppHostTests).Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()!.Configuration;

    [SkippableFact]
    public async Task RequestThroughItsFrontEnvoy_IsOneTreeInItsDashboard()
    {
        MeshTools.RequireEnvoy();
        // Where NuGet has the one, it has the AppHost's other parts too.
        MeshTools.RequireAspireDashboard(await DashboardFixture.FindDashboardAsync());
        var dll = await BuildAsync();
        using var patience = new CancellationTokenSource(Patience);
        using var http = LocalHttp.CreateClient();

        await using (var appHost = Start(dll))
        {
            var traceId = await GetOrderAsync(http, appHost, patience.Token);
            var spans = await Polling.UntilAsync(
                () => AspireDashboard.FindTraceAsync(new Uri(Address(_page)), _apiKey, traceId, http), spans => spans.Count >= SampleTests.SpansOfOrderTree);
            SpanOutline.AssertEqual(SampleTests.OrderTree, spans, () => appHost.Tail);
        }

        // The orchestrator outlives the AppHost by a moment, to end what it has started.
        if (OperatingSystem.IsLinux()) Assert.Empty(await Polling.UntilAsync(() => Task.FromResult(LeftOver()), left => left.Length == 0));
    }

    // It is not in the solution. Its services are, and are not built again: other tests run them at the same time.
    private static Task<string> BuildAsync() => MSBuild.RunAsync(
        Project, "Build", "TargetPath", [$"-property:Configuration={Configuration}", "-property:BuildProjectReferences=false"]);

    private ChildProcess Start(string dll) => ChildProcess.Start("AppHost", ServiceProcess.DotNet, [dll], new Dictionary<string, string>
    {
        ["ASPNETCORE_URLS"] = Address(_page),
        ["DOTNET_ENVIRONMENT"] = "Development",
        ["ASPIRE_ALLOW_UNSECURED_TRANSPORT"] = "true",
        ["ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL"] = Address(_otlpGrpc),
        ["ASPIRE_DASHBOARD_OTLP_HTTP_ENDPOINT_URL"] = Address(_otlpHttp),
        ["ASPIRE_RESOURCE_SERVICE_ENDPOINT_URL"] = Address(_resources),
        ["ASPIRE_DASHBOARD_API_ENABLED"] = "true",
        ["ASPIRE_DASHBOARD_TELEMETRY_OPTOUT"] = "true",
        // The primary one is the AppHost's own secret; this one the dashboard inherits.
        ["DASHBOARD__API__SECONDARYAPIKEY"] = _apiKey,
        ["FrontPort"] = _front.ToString(CultureInfo.InvariantCulture),
        [Marker] = _mark,
    }, Path.GetDirectoryName(dll));

    // The front Envoy is the last that the AppHost starts: until then its port is closed.
    private async Task<string> GetOrderAsync(HttpClient http, ChildProcess appHost, CancellationToken patience)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        while (await timer.WaitForNextTickAsync(patience))
        {
            if (appHost.Exited.IsCompleted) throw appHost.Died("before it could answer");
            try
            {
                using var response = await http.GetAsync(new Uri($"{Address(_front)}/orders/1"), patience);
                Assert.Equal(200, (int)response.StatusCode);
                return response.Headers.GetValues("x-trace-id").Single();
            }
            catch (HttpRequestException)
            {
                // Not yet.
            }
        }

        throw new InvalidOperationException("The timer ended.");
    }

    private string[] LeftOver() => [.. Directory.EnumerateDirectories("/proc").Where(process => char.IsAsciiDigit(Path.GetFileName(process)[0])).Where(HasMark).Select(CommandLine)];

    private bool HasMark(string process) => TryRead(Path.Combine(process, "environ")).Contains(_mark, StringComparison.Ordinal);

    private static string CommandLine(string process) => TryRead(Path.Combine(process, "cmdline")).Replace('\0', ' ');

    // A process may end between its discovery and its reading, and may be another user's.
    private static string TryRead(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    private static string Address(int port) => $"http://{LocalPort.Address(port)}";
}

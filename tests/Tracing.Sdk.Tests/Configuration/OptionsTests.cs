using System.Text;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.Configuration;

/// <summary>The platform's own ways to set, read and watch options.</summary>
public sealed class OptionsTests
{
    [Fact]
    public void Options_Injected_HaveEveryLayer()
    {
        using var provider = Provider(
            services => services.AddMeshTracing(o => o.Limits.MaxLinks = 4), ("OTEL_SERVICE_NAME", "shop"), ("OTEL_SPAN_LINK_COUNT_LIMIT", "2"), ("MeshTracing:Limits:MaxLinks", "3"), ("MeshTracing:Limits:MaxEvents", "3"));
        foreach (var options in new[] { provider.GetRequiredService<IOptions<MeshTracingOptions>>().Value, provider.GetRequiredService<IOptionsMonitor<MeshTracingOptions>>().CurrentValue })
        {
            Assert.Equal(("shop", 4, 3), (options.ServiceName, options.Limits.MaxLinks, options.Limits.MaxEvents));
        }
    }

    [Fact]
    public void Configure_BeforeAndAfterAddMeshTracing_WinsOverTheSection()
    {
        using var provider = Provider(
            services => services
                .Configure<MeshTracingOptions>(o => o.ServiceName = "before")
                .ConfigureAll<MeshTracingOptions>(o => o.Limits.MaxEvents = 2)
                .AddMeshTracing(o => o.Sampling.Ratio = 0.5)
                .Configure<MeshTracingOptions>(o => o.Limits.MaxLinks = 2)
                .PostConfigure<MeshTracingOptions>(o => o.Sampling.Ratio /= 2),
            ("MeshTracing:ServiceName", "section"), ("MeshTracing:Sampling:Ratio", "1"));
        var options = new Layered(provider.GetRequiredService<IOptions<MeshTracingOptions>>().Value);

        Assert.Equal(("before", 2, 0.25, 2), (options.Options.ServiceName, options.Options.Limits.MaxEvents, options.Options.Sampling.Ratio, options.Options.Limits.MaxLinks));
        Assert.Equal("code", options.OriginOf("ServiceName"));
    }

    [Fact]
    public void Configure_WithAService_IsAppliedToTheTracing()
    {
        using var provider = Provider(services => services.AddSingleton("by-service").AddOptions<MeshTracingOptions>().Configure<string>((o, name) => (o.ServiceName, o.Mode) = (name, MeshTracingMode.Forward)).Services.AddMeshTracing());

        Assert.Equal("by-service", provider.GetRequiredService<IOptions<MeshTracingOptions>>().Value.ServiceName);
        Assert.Null(provider.GetRequiredService<MeshTracing>().Instance.Recorder);
    }

    [Fact]
    public void Validate_ByTheApplication_StopsTheStart()
    {
        using var provider = Provider(services => services.AddMeshTracing().AddOptions<MeshTracingOptions>().Validate(o => o.ServiceName is not null, "A service needs a name."));

        Assert.Equal("A service needs a name.", Assert.Throws<OptionsValidationException>(provider.GetRequiredService<MeshTracing>).Message);
    }

    [Fact]
    public void Monitor_ConfigurationReloaded_HasTheNewValue()
    {
        var configuration = Configuration(("MeshTracing:Sampling:Ratio", "0.5"));
        using var provider = new ServiceCollection().AddSingleton<IConfiguration>(configuration).AddMeshTracing().BuildServiceProvider();
        var monitor = provider.GetRequiredService<IOptionsMonitor<MeshTracingOptions>>();
        var seen = new List<double> { monitor.CurrentValue.Sampling.Ratio };
        using var listener = monitor.OnChange(o => seen.Add(o.Sampling.Ratio));
        configuration["MeshTracing:Sampling:Ratio"] = "0.25";
        configuration.Reload();

        Assert.Equal([0.5, 0.25], seen);
        Assert.Equal(0.25, monitor.CurrentValue.Sampling.Ratio);
    }

    [Fact]
    public void Monitor_ReloadedWithAWrongValue_KeepsTheLastGoodOneAndLogsWhy()
    {
        var (configuration, log) = (Configuration(("MeshTracing:Sampling:Ratio", "0.5")), new LogCollector());
        using var provider = new ServiceCollection().AddSingleton<IConfiguration>(configuration).AddLogging(l => l.AddProvider(log)).AddMeshTracing().BuildServiceProvider();
        var monitor = provider.GetRequiredService<IOptionsMonitor<MeshTracingOptions>>();
        Assert.Equal(0.5, monitor.CurrentValue.Sampling.Ratio);
        configuration["MeshTracing:Sampling:Ratio"] = "2";
        configuration.Reload();

        Assert.Equal(0.5, monitor.CurrentValue.Sampling.Ratio);
        Assert.Equal(
            "The configuration has changed, but the options stay as they were: MeshTracing:Sampling:Ratio is \"2\" but must be a number from 0 to 1, such as 0.1.",
            Assert.Single(log.Lines, l => l.Level == LogLevel.Warning).Message);

        configuration["MeshTracing:Sampling:Ratio"] = "0.75";
        configuration.Reload();
        Assert.Equal(0.75, monitor.CurrentValue.Sampling.Ratio);
    }

    [Fact]
    public void Snapshot_ReloadedWithAWrongValue_LogsItOnceForAllRequests()
    {
        var (configuration, log) = (Configuration(("MeshTracing:Sampling:Ratio", "0.5")), new LogCollector());
        using var provider = new ServiceCollection().AddSingleton<IConfiguration>(configuration).AddLogging(l => l.AddProvider(log)).AddMeshTracing().BuildServiceProvider();
        Assert.Equal(0.5, ReadInScope());
        Change("2");
        Assert.Equal([0.5, 0.5, 0.5], [ReadInScope(), ReadInScope(), ReadInScope()]);
        Assert.Single(log.Lines, l => l.Level == LogLevel.Warning);

        Change("0.25");
        Assert.Equal(0.25, ReadInScope());
        Change("2");
        Assert.Equal([0.25, 0.25], [ReadInScope(), ReadInScope()]);
        Assert.Equal(2, log.Lines.Count(l => l.Level == LogLevel.Warning));

        double ReadInScope()
        {
            using var scope = provider.CreateScope();
            return scope.ServiceProvider.GetRequiredService<IOptionsSnapshot<MeshTracingOptions>>().Value.Sampling.Ratio;
        }

        void Change(string ratio)
        {
            configuration["MeshTracing:Sampling:Ratio"] = ratio;
            configuration.Reload();
        }
    }

    [Theory]
    [InlineData("\"Sources\": [ [ \"Orders\" ] ]", "Sources")]
    [InlineData("\"Sources\": [ { \"Name\": \"Orders\" } ]", "Sources")]
    [InlineData("\"Trust\": { \"Rules\": [ { \"Trust\": \"Restart\", \"Host\": \"external\" } ] }", "Trust:Rules")]
    [InlineData("\"ResourceAttributes\": { \"team\": { \"name\": \"a\" } }", "ResourceAttributes")]
    [InlineData("\"Export\": { \"Otlp\": { \"Headers\": { \"authorization\": { \"Bearer\": \"s3cr3t\" } } } }", "Export:Otlp:Headers")]
    public void Section_NestedWhereAnItemIsExpected_IsRefused(string json, string setting)
    {
        var message = Assert.Throws<OptionsValidationException>(() => OfJson($$"""{ "MeshTracing": { {{json}} } }""")).Message;

        Assert.StartsWith($"Tracing cannot start: MeshTracing:{setting} ", message, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cr3t", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("\"\"")]
    [InlineData("\" , \"")]
    [InlineData("[ \"\" ]")]
    public void Section_EmptyList_IsEmpty(string list)
    {
        var options = OfJson($$"""{ "MeshTracing": { "Propagation": { "Formats": {{list}} }, "Sources": {{list}}, "Trust": { "Rules": {{list}} } } }""");

        Assert.Empty(options.Options.Propagation.Formats);
        Assert.Empty(options.Options.Sources);
        Assert.Empty(options.Options.Trust.Rules);
        Assert.Equal("MeshTracing", options.OriginOf("Propagation:Formats"));
    }

    [Theory]
    [InlineData("[]", "[ \"b3\" ]", "b3")]
    [InlineData("\"\"", "[ \"b3\" ]", "b3")]
    [InlineData("[ \"b3\" ]", "[]", "")]
    [InlineData("[ \"b3\", \"baggage\" ]", "\"tracecontext\"", "tracecontext")]
    [InlineData("\"tracecontext\"", "[ \"b3\" ]", "b3")]
    public void Section_ListInTwoFiles_IsThatOfTheLater(string first, string second, string formats)
    {
        using var one = new MemoryStream(Encoding.UTF8.GetBytes($$"""{ "MeshTracing": { "Propagation": { "Formats": {{first}} } } }"""));
        using var two = new MemoryStream(Encoding.UTF8.GetBytes($$"""{ "MeshTracing": { "Propagation": { "Formats": {{second}} } } }"""));
        var options = Layered.Resolve(new ConfigurationBuilder().AddJsonStream(one).AddJsonStream(two).Build(), []).Options;

        Assert.Equal(formats, string.Join(',', options.Propagation.Formats));
    }

    [Fact]
    public void Section_Null_SetsNothing()
    {
        var options = OfJson("""{ "MeshTracing": { "Propagation": { "Formats": null }, "Sampling": { "Ratio": null }, "Trust": null } }""");

        Assert.Equal(["tracecontext", "b3multi", "baggage"], options.Options.Propagation.Formats);
        Assert.Equal((1, "default"), (options.Options.Sampling.Ratio, options.OriginOf("Sampling:Ratio")));
    }

    [Fact]
    public void Section_CommaInAnItemOfAnArray_IsPartOfIt() =>
        Assert.Equal(["a,b"], OfJson("""{ "MeshTracing": { "Sources": [ "a,b" ] } }""").Options.Sources);

    [Fact]
    public void Section_ByVariables_IsTheSameSection()
    {
        var prefix = $"T{Guid.NewGuid():N}_";
        Environment.SetEnvironmentVariable($"{prefix}MeshTracing__Export__Otlp__Endpoint", "http://collector:4318/v1/traces");
        Environment.SetEnvironmentVariable($"{prefix}MeshTracing__Trust__Rules__0", "Restart external");
        var options = Layered.Resolve(new ConfigurationBuilder().AddEnvironmentVariables(prefix).Build(), []);

        Assert.Equal(("http://collector:4318/v1/traces", "MeshTracing"), (options.Options.Export.Otlp.Endpoint!.AbsoluteUri, options.OriginOf("Export:Otlp:Endpoint")));
        Assert.Equal([TrustRule.Parse("Restart external")], options.Options.Trust.Rules);
    }

    private static Layered OfJson(string json)
    {
        using var stream = new MemoryStream(Encoding.UTF8.GetBytes(json));
        return Layered.Resolve(new ConfigurationBuilder().AddJsonStream(stream).Build(), []);
    }

    private static ServiceProvider Provider(Action<IServiceCollection> configure, params (string Key, string Value)[] configuration)
    {
        var services = new ServiceCollection().AddSingleton<IConfiguration>(Configuration(configuration));
        configure(services);
        return services.BuildServiceProvider();
    }

    private static IConfigurationRoot Configuration(params (string Key, string Value)[] configuration) =>
        new ConfigurationBuilder().AddInMemoryCollection(configuration.Select(c => KeyValuePair.Create(c.Key, (string?)c.Value))).Build();
}

using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.Recording;

/// <summary>A log record of a sampled trace names a span that is exported.</summary>
[Collection(Alone.Name)]
public sealed class CurrentSpanTests
{
    private static readonly ActivitySource Orders = new("Orders.CurrentSpanTests");
    private static readonly ActivitySource Quiet = new("Quiet.CurrentSpanTests");

    [Theory]
    [InlineData("nothing")]
    [InlineData("ignored source")]
    [InlineData("suppressed by OpenTelemetry")]
    [InlineData("call of an ignored source")]
    public async Task Log_OfARequest_NamesAnExportedSpan(string around)
    {
        await using var server = new WireServer();
        await using var service = await TestService.StartAsync(
            app => app.MapGet("/", async (ILoggerFactory loggers) =>
            {
                var logger = loggers.CreateLogger("here");
                using var work = Orders.StartActivity("work");
                using var scope = around == "suppressed by OpenTelemetry" ? SuppressInstrumentationScope.Begin() : null;
                using var inner = around switch
                {
                    "ignored source" => Quiet.StartActivity("quiet"),
                    "nothing" => null,
                    _ => Orders.StartActivity("inner"),
                };
                using var client = new HttpClient(new LoggingHandler(logger) { InnerHandler = new SocketsHttpHandler() });
                (await client.GetAsync(server.Address)).Dispose();
                logger.LogInformation("after");
            }),
            o =>
            {
                o.Ignore.Sources.Add(Quiet.Name);
                if (around.StartsWith("call", StringComparison.Ordinal)) o.Ignore.Sources.Add("System.Net.Http");
            });
        await service.GetAsync("/");
        await service.StopAsync();

        var exported = service.Sink.Spans.Select(s => (object?)s.SpanId).ToHashSet();
        var named = service.Log.Lines.Where(l => l.Category == "here").Select(l => l.Scope["SpanId"]).ToList();
        Assert.NotEmpty(named);
        Assert.All(named, id => Assert.Contains(id, exported));
    }

    private sealed class LoggingHandler(ILogger logger) : DelegatingHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            logger.LogInformation("before");
            var response = await base.SendAsync(request, cancellationToken);
            logger.LogInformation("answered");
            return response;
        }
    }
}

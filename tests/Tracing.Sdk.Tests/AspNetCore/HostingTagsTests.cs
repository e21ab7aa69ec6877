using Microsoft.AspNetCore.Builder;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.AspNetCore;

/// <summary>A process in which ASP.NET Core sets tags of its own on its Activity, as it will by default from .NET 11 on.</summary>
[Collection(Alone.Name)]
public sealed class HostingTagsTests
{
    private const string Switch = "Microsoft.AspNetCore.Hosting.SuppressActivityOpenTelemetryData";

    [Theory]
    [InlineData("GET /all/a%2Fb%20c?sig=abc", "Host: xn--mnchen-3ya.de:8080")]
    [InlineData("BREW /all", "Host: [::1]")]
    [InlineData("GET /nowhere", "Host: shop")]
    public async Task Request_HostingSetsTags_IsRecordedAsWithoutThem(string startLine, string host)
    {
        var without = await RequestAsync(suppressed: true, startLine, host);
        var with = await RequestAsync(suppressed: false, startLine, host);

        Assert.Equal(Tags(without), Tags(with));
        Assert.Equal(without.Name, with.Name);
    }

    private static async Task<Span> RequestAsync(bool suppressed, string startLine, string host)
    {
        AppContext.SetSwitch(Switch, suppressed);
        try
        {
            await using var service = await TestService.StartAsync(app => app.Map("/all/{**rest}", () => "ok"));
            await WireClient.SendAsync(service.Address, startLine, host, "User-Agent: curl/8.0");
            await service.StopAsync();
            return service.Sink.Spans.Server();
        }
        finally
        {
            AppContext.SetSwitch(Switch, true);
        }
    }

    private static IEnumerable<string> Tags(Span span) =>
        span.Tags.Select(t => $"{t.Key}={t.Value}").Order();
}

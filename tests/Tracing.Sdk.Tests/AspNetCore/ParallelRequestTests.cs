using System.Diagnostics;
using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.AspNetCore;

public sealed class ParallelRequestTests
{
    private const int Routes = 20;
    private const int Requests = 2000;

    [Fact]
    public async Task Export_ManyRequestsInParallel_EachSpanHasItsOwnPathAndRoute()
    {
        await using var service = await TestService.StartAsync(app =>
        {
            for (var route = 0; route < Routes; route++)
            {
                var isRestarting = route % 5 == 0;
                var endpoint = app.MapGet($"/route{route}/{{id}}", async (int id) =>
                {
                    await Task.Yield();
                    if (id % 7 == 0) Activity.Current!.Stop();
                    return id;
                });
                if (isRestarting) endpoint.WithTraceTrust(TraceTrust.Restart);
            }
        });
        using var client = new HttpClient(new SocketsHttpHandler { ActivityHeadersPropagator = null, MaxConnectionsPerServer = 64 });
        await Parallel.ForAsync(0, Requests, new ParallelOptions { MaxDegreeOfParallelism = 64 }, async (id, cancellationToken) =>
            await client.GetStringAsync(new Uri(service.Address, $"/route{id % Routes}/{id}"), cancellationToken));
        await service.StopAsync();

        var seen = new HashSet<string>();
        foreach (var span in service.Sink.Spans.Where(s => s.Kind == "server" && s.Tag("http.route") is string route && route.StartsWith("/route", StringComparison.Ordinal)))
        {
            var path = (string)span.Tag("url.path")!;
            Assert.True(seen.Add(path), path);
            var id = int.Parse(path[(path.LastIndexOf('/') + 1)..], CultureInfo.InvariantCulture);
            Assert.Equal(($"/route{id % Routes}/{id}", $"/route{id % Routes}/{{id}}"), (path, (string)span.Tag("http.route")!));
        }

        Assert.Equal(Requests, seen.Count);
    }
}

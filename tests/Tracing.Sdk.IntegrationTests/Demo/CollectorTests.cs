using System.IO.Compression;
using System.Text;
using System.Text.Json;
using MeshDemo.Collecting;
using MeshDemo.Traces;

namespace Tracing.Sdk.IntegrationTests.Demo;

/// <summary>The demo's collector: what it reads, what it refuses, and that its memory is bounded.</summary>
public sealed class CollectorTests
{
    [Fact]
    public void ReadZipkin_Span_KeepsWhatTheTreeNeeds()
    {
        var span = Assert.Single(ZipkinJson.Read(Encoding.UTF8.GetBytes("""
            [{"traceId":"00000000000000a1","id":"00000000000000b1","parentId":"00000000000000c1","kind":"SERVER","name":"get","timestamp":5,"duration":7,
              "localEndpoint":{"serviceName":"svc"},"tags":{"error":"","http.status_code":"500"},"annotations":[{"timestamp":6,"value":"retry"}]}]
            """)));

        Assert.Equal(
            ("000000000000000000000000000000a1", "00000000000000b1", "00000000000000c1", "svc", "get", "SERVER", 5L, 7L, true, "500", "retry"),
            (span.TraceId, span.SpanId, span.ParentId!, span.Service, span.Name, span.Kind, span.Start, span.Duration, span.IsError, span.HttpStatus!, span.Events.Single().Name));
    }

    [Theory]
    [InlineData("""{"traceId":"00000000000000a1","id":"00000000000000b1"}""")]
    [InlineData("""[{"traceId":"00000000000000A1","id":"00000000000000b1"}]""")]
    [InlineData("""[{"traceId":"0000000000000000","id":"00000000000000b1"}]""")]
    [InlineData("""[{"traceId":"00000000000000a1"}]""")]
    [InlineData("""[{"traceId":"00000000000000a1","id":"00000000000000b1","parentId":""}]""")]
    [InlineData("""[{"traceId":"00000000000000a1","id":"00000000000000b1","kind":"INTERNAL"}]""")]
    [InlineData("""[{"traceId":"00000000000000a1","id":"00000000000000b1","tags":{"a":null}}]""")]
    [InlineData("""[{"traceId":"00000000000000a1","id":"00000000000000b1","timestamp":1.5}]""")]
    [InlineData("[")]
    [InlineData("")]
    public void ReadZipkin_WhatZipkinRefuses_IsRefused(string body) =>
        Assert.Throws<FormatException>(() => ZipkinJson.Read(Encoding.UTF8.GetBytes(body)));

    [Fact]
    public void ReadOtlp_EveryRequestOfTheVectors_IsRead()
    {
        var requests = Vectors("otlp.json").Where(vector => vector.GetProperty("message").GetString() == "ExportTraceServiceRequest").ToArray();

        Assert.NotEmpty(requests);
        Assert.All(requests, vector =>
        {
            var expected = vector.GetProperty("otlpJson").TryGetProperty("resourceSpans", out var resources)
                ? resources.EnumerateArray().SelectMany(resource => resource.GetProperty("scopeSpans").EnumerateArray())
                    .SelectMany(scope => scope.GetProperty("spans").EnumerateArray()).Select(span => span.GetProperty("spanId").GetString()!.ToLowerInvariant())
                : [];
            Assert.Equal(expected, OtlpProtobuf.Read(Convert.FromHexString(vector.GetProperty("protobufHex").GetString()!)).Select(span => span.SpanId));
        });
    }

    [Theory]
    [InlineData("0aff")]
    [InlineData("0affffffffffffffffff01")]
    [InlineData("0c")]
    [InlineData("0a0412021200")]
    [InlineData("08ffffffffffffffffffffff01")]
    public void ReadOtlp_NoMessage_IsRefused(string hex) => Assert.Throws<FormatException>(() => OtlpProtobuf.Read(Convert.FromHexString(hex)));

    [Fact]
    public async Task Post_Gzip_IsRead()
    {
        await using var collector = await CollectorServer.StartAsync("http://127.0.0.1:0");
        using var http = new HttpClient { BaseAddress = new Uri(collector.Urls.Single()) };
        using var zipped = new MemoryStream();
        await using (var gzip = new GZipStream(zipped, CompressionLevel.Fastest, leaveOpen: true))
            gzip.Write("""[{"traceId":"00000000000000a1","id":"00000000000000b1"}]"""u8);
        using var body = new ByteArrayContent(zipped.ToArray());
        body.Headers.ContentType = new("application/json");
        body.Headers.ContentEncoding.Add("gzip");

        using var answer = await http.PostAsync("/api/v2/spans", body);

        Assert.Equal(202, (int)answer.StatusCode);
        Assert.Contains("00000000000000b1", await http.GetStringAsync("/api/traces/00000000000000a1"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Post_Garbage_IsRefusedWithTheReason()
    {
        await using var collector = await CollectorServer.StartAsync("http://127.0.0.1:0");
        using var http = new HttpClient { BaseAddress = new Uri(collector.Urls.Single()) };
        using var body = new ByteArrayContent([0xff]);
        body.Headers.ContentType = new("application/x-protobuf");

        using var answer = await http.PostAsync("/v1/traces", body);

        Assert.Equal((400, "A protobuf message ends too early."), ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync()));
    }

    [Fact]
    public async Task Post_ToACollectorThatPassesOn_ReachesBoth()
    {
        await using var destination = await CollectorServer.StartAsync("http://127.0.0.1:0");
        await using var collector = await CollectorServer.StartAsync("http://127.0.0.1:0", new Uri(destination.Urls.Single()));
        using var http = new HttpClient();
        using var body = new StringContent("""[{"traceId":"00000000000000a1","id":"00000000000000b1"}]""", Encoding.UTF8, "application/json");

        using var answer = await http.PostAsync(new Uri(collector.Urls.Single() + "/api/v2/spans"), body);

        Assert.Equal(202, (int)answer.StatusCode);
        Assert.Contains("00000000000000b1", await http.GetStringAsync(new Uri(collector.Urls.Single() + "/api/traces/00000000000000a1")), StringComparison.Ordinal);
        Assert.Contains("00000000000000b1", await http.GetStringAsync(new Uri(destination.Urls.Single() + "/api/traces/00000000000000a1")), StringComparison.Ordinal);
    }

    [Fact]
    public void Add_MoreThanFits_DropsTheOldestTrace()
    {
        var store = new TraceStore(maxBytes: 100_000);

        foreach (var trace in Enumerable.Range(1, 1000))
            store.Add([Span(trace.ToString("x32", null), 1)]);

        Assert.Empty(store.Find(1.ToString("x32", null)));
        Assert.Single(store.Find(1000.ToString("x32", null)));
    }

    [Fact]
    public void Add_TraceWithoutEnd_IsCutAndCounted()
    {
        var store = new TraceStore(maxBytes: 100_000);

        store.Add(Enumerable.Range(1, 1000).Select(id => Span("1", id)));

        Assert.InRange(store.Find("1").Count, 1, 100);
        Assert.Equal(1000, store.Find("1").Count + store.Dropped);
    }

    private static Span Span(string traceId, int id) => new()
    {
        TraceId = traceId,
        SpanId = id.ToString("x16", null),
        Service = "service",
        Name = "name",
        Kind = "INTERNAL",
    };

    private static JsonElement[] Vectors(string file) =>
        [.. JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "vectors", file))).RootElement.EnumerateArray()];
}

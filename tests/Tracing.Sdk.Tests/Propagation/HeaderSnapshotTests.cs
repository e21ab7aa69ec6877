using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Primitives;
using Tracing.Sdk.Propagation;
using Tracing.Sdk.Propagation.B3;
using Tracing.Sdk.Propagation.Baggage;
using Tracing.Sdk.Propagation.Mesh;
using Tracing.Sdk.Propagation.W3C;

namespace Tracing.Sdk.Tests.Propagation;

public sealed class HeaderSnapshotTests
{
    public static TheoryData<string> Names { get; } =
    [
        TraceParent.HeaderName, TraceStateList.HeaderName, BaggageHeader.HeaderName, B3Headers.Single, B3Headers.TraceId, B3Headers.SpanId,
        B3Headers.ParentSpanId, B3Headers.Sampled, B3Headers.Flags, RequestIds.RequestId, RequestIds.ClientTraceId, "x-cloud-trace-context",
    ];

    public static TheoryData<string, string> Vectors
    {
        get
        {
            var vectors = new TheoryData<string, string>();
            foreach (var file in new[] { "w3c", "b3", "baggage", "conflict", "freshness", "envoy-wire" })
            {
                foreach (var name in Vector.NamesIn(file)) vectors.Add(file, name);
            }

            return vectors;
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void Get_KnownName_IsFoundInAnyCase(string name)
    {
        var upper = new HeaderSnapshot(new HeaderDictionary { [name.ToUpperInvariant()] = new(["1", "2"]) });
        var lower = new HeaderSnapshot(new HeaderDictionary { [name.ToLowerInvariant()] = "3" });

        Assert.Equal(new StringValues(["1", "2"]), upper.Get(name));
        Assert.Equal("3", lower.Get(name));
    }

    // Same length, same first letter.
    [Theory, MemberData(nameof(Names))]
    public void Get_AnotherName_IsNotTakenForAKnownOne(string name)
    {
        var snapshot = new HeaderSnapshot(new HeaderDictionary { [name[..^1] + "!"] = "1" });

        Assert.Equal(0, snapshot.Get(name).Count);
    }

    [Theory, MemberData(nameof(Names))]
    public void Get_OneOtherCharacterAnywhere_IsAnotherName(string name)
    {
        for (var i = 0; i < name.Length; i++)
        {
            foreach (var other in "0z-\u0162")
            {
                if (char.ToLowerInvariant(name[i]) == other) continue;
                var snapshot = new HeaderSnapshot(new HeaderDictionary { [name.Remove(i, 1).Insert(i, other.ToString())] = "1" });

                Assert.Equal(0, snapshot.Get(name).Count);
            }
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void Get_NameThatIsNoLiteral_IsFoundToo(string name)
    {
        var snapshot = new HeaderSnapshot(new HeaderDictionary { [name] = "1" });

        Assert.Equal("1", snapshot.Get(new string(name.AsSpan())));
    }

    [Theory, MemberData(nameof(Names))]
    public void Get_AmongMoreHeadersThanAreWalked_IsFoundToo(string name)
    {
        var headers = new HeaderDictionary { [name] = "1" };
        for (var i = 0; i < 100; i++) headers[$"x-{i}"] = "2";

        Assert.Equal("1", new HeaderSnapshot(headers).Get(name));
    }

    [Fact]
    public void Get_AfterAnotherRequestOnThisThread_HoldsItsOwn()
    {
        var first = new HeaderSnapshot(new HeaderDictionary { ["b3"] = "0" });
        var second = new HeaderSnapshot(new HeaderDictionary { ["baggage"] = "a=1" });

        Assert.Equal("0", first.Get("b3"));
        Assert.Equal(0, second.Get("b3").Count);
    }

    [Theory, MemberData(nameof(Vectors))]
    public void Extract_Vector_ReadsAsByName(string file, string name)
    {
        var vector = Vector.Get(file, name);
        // An empty value stays, as in Kestrel.
        var store = new Dictionary<string, StringValues>(StringComparer.OrdinalIgnoreCase);
        foreach (var (header, _) in vector.Headers) store[header] = vector.Headers.Values(header);
        var headers = new HeaderDictionary(store);

        var walked = ContextExtractor.Extract(new HeaderSnapshot(headers), PropagationSettings.Default);
        var asked = Some.Extract(vector.Headers);
        Assert.Equal(asked.Ids, walked.Ids);
        Assert.Equal(asked.TraceParent, walked.TraceParent);
        Assert.Equal(asked.TraceState, walked.TraceState);
        Assert.Equal(asked.Link, walked.Link);
        Assert.Equal(asked.Baggage ?? [], walked.Baggage ?? []);
    }

    // Envoy's OpenTelemetry tracer writes an empty tracestate, which the server must not lose.
    [Fact]
    public async Task Extract_EmptyTraceStateThroughKestrel_IsPresent()
    {
        var received = new TaskCompletionSource<RemoteContext>();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        await using var app = builder.Build();
        app.Run(context =>
        {
            received.SetResult(ContextExtractor.Extract(new HeaderSnapshot(context.Request.Headers), PropagationSettings.Default));
            return Task.CompletedTask;
        });
        await app.StartAsync();
        using var client = new TcpClient("127.0.0.1", new Uri(app.Urls.Single()).Port);
        await client.GetStream().WriteAsync(System.Text.Encoding.ASCII.GetBytes(
            $"GET / HTTP/1.1\r\nhost: a\r\ntraceparent: {Some.TraceParent}\r\ntracestate: \r\nb3: {Some.OtherTraceId}-{Some.OtherSpanId}-1\r\n\r\n"));

        var remote = await received.Task;
        Assert.Equal(Some.OtherTraceId, Some.TraceIdOf(remote.Ids));
        Assert.Equal("w3c", remote.Link?.Format);
    }
}

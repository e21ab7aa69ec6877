using Microsoft.Extensions.Primitives;
using Tracing.Sdk.Propagation;
using Tracing.Sdk.Propagation.Mesh;
using Tracing.Sdk.Propagation.W3C;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.Propagation;

/// <summary>Invalid input is rejected without an allocation.</summary>
public sealed class RejectionTests
{
    private static readonly RemoteContext Nothing = new();

    public static TheoryData<string, int> Bombs
    {
        get
        {
            var bombs = new TheoryData<string, int>();
            foreach (var c in new[] { ",", "=", ";", "%", " ", "a", "0", "-", "a=\",", "a,", "a;b,", "\u00e9", ", ", "a=1;=," })
            {
                bombs.Add(c, 1_024);
                bombs.Add(c, 16_384);
            }

            return bombs;
        }
    }

    [Theory, MemberData(nameof(Bombs))]
    public void Extract_BombInEveryHeader_AllocatesNothing(string text, int length)
    {
        var bomb = string.Concat(Enumerable.Repeat(text, length / text.Length));
        var headers = PropagationSettings.ForwardOnly([]).PassThrough
            .Where(name => name is not (RequestIds.RequestId or RequestIds.ClientTraceId))
            .ToDictionary(name => name, name => new StringValues(bomb));

        AssertNothingAllocated(() => Assert.Same(Nothing, ContextExtractor.Extract(new DictionaryReader(headers), PropagationSettings.Default, Nothing)));
    }

    [Theory, MemberData(nameof(Bombs))]
    public void Normalize_BombBesideAValidMember_AllocatesNothing(string text, int length)
    {
        var bomb = string.Concat(Enumerable.Repeat(text, length / text.Length));
        var fields = new StringValues(["foo=1", bomb, "BAR"]);

        AssertNothingAllocated(() => Assert.Null(TraceStateList.Normalize(fields)));
    }

    [Theory]
    [InlineData("00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333G-01")]
    [InlineData("00-00000000000000000000000000000000-b7ad6b7169203331-01")]
    [InlineData("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]
    public void Extract_InvalidTraceParent_AllocatesNothing(string traceParent)
    {
        var headers = new Dictionary<string, StringValues> { ["traceparent"] = traceParent, ["tracestate"] = "foo=1" };

        AssertNothingAllocated(() => Assert.Same(Nothing, ContextExtractor.Extract(new DictionaryReader(headers), PropagationSettings.Default, Nothing)));
    }

    [Fact]
    public void Extract_ManyFieldsOfOneName_AllocatesNothing()
    {
        var many = new StringValues([.. Enumerable.Repeat("=", 5_000)]);
        var headers = new Dictionary<string, StringValues> { ["traceparent"] = many, ["tracestate"] = many, ["b3"] = many, ["baggage"] = many };

        AssertNothingAllocated(() => Assert.Same(Nothing, ContextExtractor.Extract(new DictionaryReader(headers), PropagationSettings.Default, Nothing)));
    }

    private static void AssertNothingAllocated(Action action) => Assert.Equal(0, Allocations.Of(action));
}

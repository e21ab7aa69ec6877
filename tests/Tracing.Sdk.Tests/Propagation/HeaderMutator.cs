using Microsoft.Extensions.Primitives;
using Tracing.Sdk.Propagation;
using Tracing.Sdk.Propagation.B3;
using Tracing.Sdk.Propagation.Baggage;
using Tracing.Sdk.Propagation.Mesh;
using Tracing.Sdk.Propagation.W3C;

namespace Tracing.Sdk.Tests.Propagation;

/// <summary>Makes header sets that are almost right: valid ones of few ids, so that formats agree and disagree, then damaged here and there.</summary>
internal sealed class HeaderMutator(int seed)
{
    private static readonly string[] TraceIds = [Some.TraceId, Some.OtherTraceId, "00000000000000008448eb211c80319c", "8448eb211c80319c"];
    private static readonly string[] SpanIds = [Some.SpanId, Some.OtherSpanId, "00f067aa0ba902b7"];
    private static readonly string[] Lists =
    [
        "foo=1", "foo=1,bar=2", "mesh=p:b7ad6b7169203331", "mesh=p:e457b5a2e4d86bd1;s:d,foo=1", "mesh=s:u", "", " ,foo=1 ,, bar=2\t", "foo=1,foo=2",
        "foo@bar=a b", string.Join(',', Enumerable.Range(0, 32).Select(i => $"k{i}=v")), "big=" + new string('x', 250) + ",a=" + new string('y', 250) + ",c=" + new string('z', 120),
    ];

    private static readonly string[] Baggages = ["a=1", "a=1;p=2,b=%C3%A9", "k=100%", " a = 1 , b = 2 ; c ", "a=1,a=2"];
    private const string Damage = "\0\r\n\t ,;=-%\"\\\u007f\u00a0\u00e9\uff10\ud800GgAaFf019d";

    private readonly Random _random = new(seed);

    /// <summary>Fills the dictionary with the next set.</summary>
    public void Next(Dictionary<string, StringValues> headers)
    {
        headers.Clear();
        var denyOnly = Chance(3);
        if (!Chance(4)) Put(headers, TraceParent.HeaderName, $"{Version()}-{Of(TraceIds).PadLeft(32, '0')}-{Of(SpanIds)}-{(denyOnly ? "00" : Of("00", "01", "02", "03", "ff"))}");
        if (!Chance(3)) Put(headers, TraceStateList.HeaderName, Of(Lists));
        if (Chance(3)) Put(headers, B3Headers.Single, Single(denyOnly));
        if (Chance(2))
        {
            Put(headers, B3Headers.TraceId, Of(TraceIds));
            Put(headers, B3Headers.SpanId, Of(SpanIds));
            if (Chance(2)) Put(headers, B3Headers.ParentSpanId, Of(SpanIds));
        }

        if (Chance(2)) Put(headers, B3Headers.Sampled, denyOnly ? Of("0", "false") : Of("0", "1", "true", "False", "d", ""));
        if (Chance(5)) Put(headers, B3Headers.Flags, denyOnly ? "0" : Of("0", "1", "2"));
        if (Chance(4)) Put(headers, BaggageHeader.HeaderName, Of(Baggages));
        if (Chance(4)) Put(headers, RequestIds.RequestId, "4f3c1c2e-9d1b-9c8e-9a44-0a1b2c3d4e5f");
    }

    private string Version() => Chance(4) ? Of("01", "0f", "cc", "fe", "ff") : "00";

    private string Single(bool denyOnly)
    {
        var state = denyOnly ? Of("0", "") : Of("0", "1", "d", "");
        if (Chance(5)) return state;
        return $"{Of(TraceIds)}-{Of(SpanIds)}" + (state.Length > 0 ? "-" + state : "") + (Chance(3) ? "-" + Of(SpanIds) : "");
    }

    private void Put(Dictionary<string, StringValues> headers, string name, string value)
    {
        if (Chance(4)) value = Mutate(value);
        if (Chance(20)) headers[name] = new StringValues([value, Chance(2) ? value : Mutate(value)]);
        else headers[name] = value;
    }

    private string Mutate(string value)
    {
        var at = _random.Next(value.Length + 1);
        switch (_random.Next(9))
        {
            case 0: return value.Insert(at, Damage[_random.Next(Damage.Length)].ToString());
            case 1: return value[..at];
            case 2: return value[at..];
            case 3: return value.ToUpperInvariant();
            case 4: return $" \t{value} ";
            case 5: return $"{value},{value}";
            case 6: return value + "-" + value;
            case 7: return value.Replace('0', Damage[_random.Next(Damage.Length)]);
            default: return at == value.Length ? "" : $"{value[..at]}{Damage[_random.Next(Damage.Length)]}{value[(at + 1)..]}";
        }
    }

    private bool Chance(int oneIn) => _random.Next(oneIn) == 0;

    private string Of(params ReadOnlySpan<string> choices) => choices[_random.Next(choices.Length)];
}

internal readonly struct DictionaryWriter(Dictionary<string, StringValues> headers) : IHeaderWriter
{
    public void Set(string name, string value) => headers[name] = value;
}

using System.Diagnostics;
using OpenTelemetry;
using OpenTelemetry.Context.Propagation;
using Tracing.Sdk.Propagation;

namespace Tracing.Sdk.Tests.Propagation;

/// <summary>The contract of every public propagator, with any carrier.</summary>
public abstract class TextMapPropagatorContract
{
    private static readonly PropagationContext Earlier = new(
        new ActivityContext(ActivityTraceId.CreateFromString(Some.OtherTraceId), ActivitySpanId.CreateFromString(Some.OtherSpanId), ActivityTraceFlags.None),
        OpenTelemetry.Baggage.Create(new Dictionary<string, string> { ["earlier"] = "1" }));

    public static TheoryData<string> Hostile =>
    [
        "", " ", ",", "=", ";", "%", "-", "\0", "\r\nx-evil: 1", "\u00e9", "\ud800", "\ud83d\udca9",
        new string(',', 16_384), new string('=', 16_384), new string(';', 16_384), new string('%', 16_384), new string(' ', 16_384),
        new string('0', 16_384), new string('-', 16_384), string.Join(',', Enumerable.Repeat("a=1", 5_000)),
    ];

    protected abstract TextMapPropagator Propagator { get; }

    /// <summary>Everything that the format can carry.</summary>
    protected abstract PropagationContext Full { get; }

    [Fact]
    public void Extract_WhatWasInjected_IsTheSame()
    {
        var read = Propagator.Extract(default, Injected(), Carrier.Getter);

        Assert.Equal(Full.ActivityContext, read.ActivityContext);
        Assert.Equal(Full.Baggage.GetBaggage(), read.Baggage.GetBaggage());
    }

    [Fact]
    public void Extract_NamesInAnotherCase_ReadsTheSame()
    {
        var upper = new Carrier(Injected().Select(h => KeyValuePair.Create(h.Key.ToUpperInvariant(), h.Value)));

        Assert.Equal(Propagator.Extract(default, Injected(), Carrier.Getter), Propagator.Extract(default, upper, Carrier.Getter));
    }

    [Fact]
    public void Extract_ValuesBetweenBlanks_ReadsTheSame()
    {
        var padded = new Carrier(Injected().Select(h => KeyValuePair.Create(h.Key, $" \t{h.Value}\t ")));

        Assert.Equal(Propagator.Extract(default, Injected(), Carrier.Getter), Propagator.Extract(default, padded, Carrier.Getter));
    }

    [Fact]
    public void Extract_EmptyCarrier_ReturnsWhatWasGiven() =>
        Assert.Equal(Earlier, Propagator.Extract(Earlier, new Carrier(), Carrier.Getter));

    [Fact]
    public void Extract_ValidEarlierContext_Wins() =>
        Assert.Equal(Earlier, Propagator.Extract(Earlier, Injected(), Carrier.Getter));

    [Fact]
    public void Extract_NullCarrier_ReturnsWhatWasGiven() =>
        Assert.Equal(Earlier, Propagator.Extract<Carrier>(Earlier, null!, Carrier.Getter));

    [Fact]
    public void Extract_NullGetter_ReturnsWhatWasGiven() =>
        Assert.Equal(default, Propagator.Extract(default, Injected(), null!));

    [Fact]
    public void Extract_GetterThrows_ReturnsWhatWasGiven() =>
        Assert.Equal(default, Propagator.Extract(default, Injected(), static (_, _) => throw new InvalidOperationException()));

    [Fact]
    public void Extract_ValuesThrowWhenRead_ReturnsWhatWasGiven() =>
        Assert.Equal(default, Propagator.Extract(default, Injected(), static (_, _) => Throwing()));

    // A dictionary's indexer is the getter that people write first.
    [Fact]
    public void Extract_GetterThrowsForWhatIsMissing_ReadsTheRest()
    {
        var carrier = Injected();

        Assert.Equal(
            Propagator.Extract(default, carrier, Carrier.Getter),
            Propagator.Extract(default, carrier, static (c, name) => c.Values(name) is { Length: > 0 } values ? values : throw new KeyNotFoundException()));
    }

    [Fact]
    public void Extract_GetterReturnsNull_ReturnsWhatWasGiven() =>
        Assert.Equal(default, Propagator.Extract(default, Injected(), static (_, _) => null));

    [Fact]
    public void Extract_GetterReturnsNullValues_ReturnsWhatWasGiven() =>
        Assert.Equal(default, Propagator.Extract(default, Injected(), static (_, _) => [null!]));

    [Theory, MemberData(nameof(Hostile))]
    public void Extract_HostileValueInEveryHeader_ReturnsWhatWasGivenOrASafeContext(string value)
    {
        var carrier = new Carrier(Propagator.Fields!.Select(name => KeyValuePair.Create(name, value)));
        var read = Propagator.Extract(default, carrier, Carrier.Getter);

        Assert.False(read.ActivityContext.IsValid());
        var sent = new Carrier();
        Propagator.Inject(new PropagationContext(Full.ActivityContext, read.Baggage), sent, Carrier.Setter);
        Assert.All(sent, header => Assert.True(HeaderText.IsSafe(header.Value)));
    }

    [Fact]
    public void Inject_InvalidContext_WritesNothing()
    {
        var carrier = new Carrier();
        Propagator.Inject(default, carrier, Carrier.Setter);

        Assert.Empty(carrier);
    }

    [Fact]
    public void Inject_Twice_LeavesOneValueOfEachName()
    {
        var carrier = Injected();
        Propagator.Inject(Full, carrier, Carrier.Setter);

        Assert.Equal(Injected(), carrier);
    }

    [Fact]
    public void Inject_NullCarrier_DoesNothing()
    {
        var calls = 0;
        Propagator.Inject<Carrier>(Full, null!, (_, _, _) => calls++);

        Assert.Equal(0, calls);
    }

    [Fact]
    public void Inject_NullSetter_DoesNothing()
    {
        var carrier = new Carrier();
        Propagator.Inject(Full, carrier, null!);

        Assert.Empty(carrier);
    }

    [Fact]
    public void Inject_SetterThrows_TriesEveryHeader()
    {
        var tried = new List<string>();
        Propagator.Inject(Full, new Carrier(), (_, name, _) =>
        {
            tried.Add(name);
            throw new NotSupportedException();
        });

        Assert.Equal(Injected().Select(h => h.Key), tried);
    }

    [Fact]
    public void Fields_CoverWhatIsWritten() =>
        Assert.Subset(new HashSet<string>(Propagator.Fields!), Injected().Select(h => h.Key).ToHashSet());

    [Fact]
    public void Fields_CoverWhatIsAskedFor()
    {
        var asked = new HashSet<string>();
        Propagator.Extract(default, Injected(), (carrier, name) =>
        {
            asked.Add(name);
            return carrier.Values(name);
        });

        Assert.Subset(new HashSet<string>(Propagator.Fields!), asked);
    }

    [Fact]
    public void Fields_ChangedByACaller_StayForTheNext()
    {
        Propagator.Fields!.Clear();

        Assert.NotEmpty(Propagator.Fields!);
    }

    private Carrier Injected()
    {
        var carrier = new Carrier();
        Propagator.Inject(Full, carrier, Carrier.Setter);
        return carrier;
    }

    private static IEnumerable<string> Throwing()
    {
        yield return "a";
        throw new InvalidOperationException();
    }
}

public sealed class W3CTraceContextPropagatorTests : TextMapPropagatorContract
{
    protected override TextMapPropagator Propagator { get; } = new W3CTraceContextPropagator();

    protected override PropagationContext Full { get; } =
        new(Some.Context(ActivityTraceFlags.Recorded | (ActivityTraceFlags)2, "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7"), default);

    [Fact]
    public void Inject_ReservedFlags_AreNotWritten()
    {
        var carrier = new Carrier();
        Propagator.Inject(new PropagationContext(Some.Context((ActivityTraceFlags)0xFF), default), carrier, Carrier.Setter);

        Assert.Equal($"00-{Some.TraceId}-{Some.SpanId}-03", carrier["traceparent"]);
    }

    [Theory]
    [InlineData("foo=1\r\nx-evil: 1")]
    [InlineData("foo=\u00e9")]
    [InlineData("foo")]
    public void Inject_TraceStateThatUserCodeBroke_WritesTraceParentAlone(string traceState)
    {
        var carrier = new Carrier();
        Propagator.Inject(new PropagationContext(Some.Context(traceState: traceState), default), carrier, Carrier.Setter);

        Assert.Equal(Some.TraceParent, carrier["traceparent"]);
        Assert.Null(carrier["tracestate"]);
    }

    // The next hop would take the trace for undecided and decide again what its caller denied.
    [Fact]
    public void Extract_UndecidedByAStranger_IsNotBelieved()
    {
        var carrier = new Carrier { { "traceparent", $"00-{Some.TraceId}-{Some.SpanId}-00" }, { "tracestate", "mesh=s:u,foo=1" } };
        var context = Propagator.Extract(default, carrier, Carrier.Getter).ActivityContext;

        Assert.Equal(SamplingState.Deny, context.StateOf());
        Assert.Equal("foo=1", context.TraceState);
    }

    [Fact]
    public void Inject_UndecidedInThisProcess_StaysInIt()
    {
        var carrier = new Carrier();
        Propagator.Inject(new PropagationContext(Some.Context(ActivityTraceFlags.None, "mesh=s:u,foo=1"), default), carrier, Carrier.Setter);

        Assert.Equal("foo=1", carrier["tracestate"]);
    }

    [Fact]
    public void Extract_DebugThatTravelledInTraceState_IsSampledAndDebug()
    {
        var carrier = new Carrier { { "traceparent", Some.TraceParent }, { "tracestate", "mesh=p:00f067aa0ba902b7;s:d" } };
        var context = Propagator.Extract(default, carrier, Carrier.Getter).ActivityContext;

        Assert.Equal(SamplingState.Debug, context.StateOf());
        Assert.Equal(ActivityTraceFlags.Recorded, context.TraceFlags);
    }
}

public sealed class B3SingleHeaderPropagatorTests : TextMapPropagatorContract
{
    protected override TextMapPropagator Propagator { get; } = new B3TraceContextPropagator();

    protected override PropagationContext Full { get; } = new(Some.Context(traceState: "mesh=s:d"), default);
}

public sealed class B3MultiHeaderPropagatorTests : TextMapPropagatorContract
{
    protected override TextMapPropagator Propagator { get; } = new B3TraceContextPropagator(singleHeader: false);

    protected override PropagationContext Full { get; } = new(Some.Context(traceState: "mesh=s:d"), default);

    [Fact]
    public void Inject_Debug_IsSaidToThoseWhoReadFlagsAndToThoseWhoDoNot()
    {
        var carrier = new Carrier();
        Propagator.Inject(Full, carrier, Carrier.Setter);

        Assert.Equal("1", carrier["X-B3-Flags"]);
        Assert.Equal("1", carrier["X-B3-Sampled"]);
    }

    [Fact]
    public void Inject_Deny_IsWritten()
    {
        var carrier = new Carrier();
        Propagator.Inject(new PropagationContext(Some.Context(ActivityTraceFlags.None), default), carrier, Carrier.Setter);

        Assert.Equal("0", carrier["X-B3-Sampled"]);
    }

    [Fact]
    public void Inject_Undecided_SaysNothingOfTheDecision()
    {
        var carrier = new Carrier();
        Propagator.Inject(new PropagationContext(Some.Context(ActivityTraceFlags.None, "mesh=s:u"), default), carrier, Carrier.Setter);

        Assert.Null(carrier["X-B3-Sampled"]);
        Assert.Null(carrier["X-B3-Flags"]);
    }
}

public sealed class FreshestContextPropagatorTests : TextMapPropagatorContract
{
    protected override TextMapPropagator Propagator { get; } = new FreshestContextPropagator(PropagationSettings.Default);

    // What it writes it signs: the marker is part of what comes back.
    protected override PropagationContext Full { get; } = new(
        Some.Context(ActivityTraceFlags.Recorded | (ActivityTraceFlags)2, $"mesh=p:{Some.SpanId};s:d,congo=t61rcWkgMzE"),
        OpenTelemetry.Baggage.Create(new Dictionary<string, string> { ["user.id"] = "alice" }));

    [Fact]
    public void Extract_B3IsFresher_IsReturned()
    {
        var carrier = new Carrier { { "traceparent", Some.TraceParent }, { "b3", $"{Some.TraceId}-{Some.OtherSpanId}-1-{Some.SpanId}" } };

        Assert.Equal(Some.OtherSpanId, Propagator.Extract(default, carrier, Carrier.Getter).ActivityContext.SpanId.ToHexString());
    }
}

public sealed class W3CBaggagePropagatorTests : TextMapPropagatorContract
{
    protected override TextMapPropagator Propagator { get; } = new W3CBaggagePropagator();

    protected override PropagationContext Full { get; } = new(default, OpenTelemetry.Baggage.Create(new Dictionary<string, string>
    {
        ["user.id"] = "alice",
        ["Key"] = "case matters",
        ["key"] = "",
        ["all"] = "\r\n\0\",;\\=%é\ud83d\udca9",
    }));

    [Fact]
    public void Inject_KeyThatIsNoToken_IsLeftOut()
    {
        var carrier = new Carrier();
        var baggage = OpenTelemetry.Baggage.Create(new Dictionary<string, string> { ["a b"] = "1", ["c"] = "2" });
        Propagator.Inject(new PropagationContext(default, baggage), carrier, Carrier.Setter);

        Assert.Equal("c=2", carrier["baggage"]);
    }

    [Fact]
    public void Inject_MoreThanTheLimit_WritesWholeMembersUpToIt()
    {
        var carrier = new Carrier();
        var baggage = OpenTelemetry.Baggage.Create(Enumerable.Range(0, 200).ToDictionary(i => $"key{i:000}", _ => new string('v', 93)));
        Propagator.Inject(new PropagationContext(default, baggage), carrier, Carrier.Setter);

        // 81 members of 100 characters, and 80 commas.
        Assert.Equal(8180, carrier["baggage"]!.Length);
        Assert.All(carrier["baggage"]!.Split(','), member => Assert.Equal(100, member.Length));
    }
}

using Microsoft.Extensions.Primitives;
using Tracing.Sdk.Propagation;
using Tracing.Sdk.Propagation.W3C;

namespace Tracing.Sdk.Tests.Propagation.W3C;

public sealed class TraceStateListTests
{
    // Blanks beside a comma are no part of a member, tabs among them; inside a value a blank is and a tab is an error.
    [Theory]
    [InlineData("a=1 \t ,b=2", "a=1,b=2")]
    [InlineData("a=1\t", "a=1")]
    [InlineData("a=1 \t 2", null)]
    [InlineData("a=1 2", "a=1 2")]
    [InlineData("a=\t1", null)]
    [InlineData("a= 1", "a= 1")]
    [InlineData("a=  ,b=2", null)]
    [InlineData("a\t=1", null)]
    [InlineData("a=1=2", null)]
    [InlineData("a", null)]
    [InlineData("=1", null)]
    public void Normalize_BlanksAndTabs_AsTheGrammarSays(string list, string? expected) => Assert.Equal(expected, TraceStateList.Normalize(list));

    [Theory]
    [InlineData(256, 255, true)]
    [InlineData(255, 256, true)]
    [InlineData(257, 1, false)]
    [InlineData(1, 257, false)]
    public void Normalize_LongKeyOrValue_UpToTheLimit(int key, int value, bool isValid) =>
        Assert.Equal(isValid, TraceStateList.Normalize($"{new string('a', key)}={new string('b', value)}") is not null);

    [Fact]
    public void Normalize_ListInNormalForm_IsTheSameString()
    {
        var list = new string("foo=1,bar=2");

        Assert.Same(list, TraceStateList.Normalize(list));
    }

    [Theory]
    [InlineData(null, "mesh=p:b7ad6b7169203331")]
    [InlineData("foo=1", "mesh=p:b7ad6b7169203331,foo=1")]
    [InlineData("mesh=p:e457b5a2e4d86bd1", "mesh=p:b7ad6b7169203331")]
    [InlineData("mesh=p:e457b5a2e4d86bd1;s:d,foo=1", "mesh=p:b7ad6b7169203331,foo=1")]
    [InlineData("foo=1,mesh=p:e457b5a2e4d86bd1,bar=2", "mesh=p:b7ad6b7169203331,foo=1,bar=2")]
    [InlineData("foo=1,mesh=p:e457b5a2e4d86bd1", "mesh=p:b7ad6b7169203331,foo=1")]
    // User code can write anything into an Activity.
    [InlineData("", "mesh=p:b7ad6b7169203331")]
    [InlineData("foo", "mesh=p:b7ad6b7169203331")]
    [InlineData("foo=1\r\nx-evil: 1", "mesh=p:b7ad6b7169203331")]
    [InlineData("mesh=\r\nx-evil: 1", "mesh=p:b7ad6b7169203331")]
    [InlineData(" foo = 1", "mesh=p:b7ad6b7169203331")]
    [InlineData(" , foo=1 ,, ", "mesh=p:b7ad6b7169203331,foo=1")]
    public void WithMarker_List_PutsOursFirstAndOnce(string? list, string expected) =>
        Assert.Equal(expected, TraceStateList.WithMarker(list, Some.SpanId, isDebug: false));

    [Fact]
    public void WithMarker_Debug_SaysSo() =>
        Assert.Equal("mesh=p:b7ad6b7169203331;s:d,foo=1", TraceStateList.WithMarker("foo=1", Some.SpanId, isDebug: true));

    [Fact]
    public void WithMarker_FullList_IsLeftOut()
    {
        var list = string.Join(',', Enumerable.Range(0, 32).Select(i => $"k{i}=v"));

        Assert.Equal(list, TraceStateList.WithMarker(list, Some.SpanId, isDebug: false));
    }

    [Fact]
    public void WithMarker_FullListAndDebug_PushesTheRightMostOut()
    {
        var members = Enumerable.Range(0, 32).Select(i => $"k{i}=v").ToArray();
        var list = TraceStateList.WithMarker(string.Join(',', members), Some.SpanId, isDebug: true);

        Assert.Equal(["mesh=p:b7ad6b7169203331;s:d", .. members[..31]], list.Split(','));
    }

    // Ours takes 23 characters and a comma.
    [Theory]
    [InlineData(488, true)]
    [InlineData(489, false)]
    [InlineData(511, false)]
    [InlineData(512, false)]
    public void WithMarker_AtTheLimit_IsLeftOutIfItDoesNotFit(int length, bool fits)
    {
        var list = "a=1,b=" + new string('y', 250) + ",c=" + new string('z', length - 259);
        Assert.Equal(length, list.Length);

        Assert.Equal((fits ? "mesh=p:b7ad6b7169203331," : "") + list, TraceStateList.WithMarker(list, Some.SpanId, isDebug: false));
    }

    [Fact]
    public void WithMarker_OwnOfBeforeInAListAtTheLimit_IsReplaced()
    {
        var rest = ",a=" + new string('y', 250) + ",b=" + new string('y', 233);
        Assert.Equal(512, 23 + rest.Length);

        Assert.Equal("mesh=p:b7ad6b7169203331" + rest, TraceStateList.WithMarker("mesh=p:e457b5a2e4d86bd1" + rest, Some.SpanId, isDebug: false));
    }

    [Theory]
    [InlineData(nameof(SamplingState.Debug), "mesh=s:d")]
    [InlineData(nameof(SamplingState.Defer), "mesh=s:u")]
    public void WithState_FullList_MakesRoomForTheState(string state, string own)
    {
        var members = Enumerable.Range(0, 32).Select(i => $"k{i}=v").ToArray();

        Assert.Equal([own, .. members[..31]], TraceStateList.WithState(string.Join(',', members), Enum.Parse<SamplingState>(state))!.Split(','));
    }

    [Fact]
    public void WithMarker_FullListWithAMarker_PushesNoMemberOut()
    {
        string[] members = ["mesh=p:e457b5a2e4d86bd1", .. Enumerable.Range(0, 31).Select(i => $"k{i}=v")];
        var list = TraceStateList.WithMarker(string.Join(',', members), Some.SpanId, isDebug: false);

        Assert.Equal(["mesh=p:b7ad6b7169203331", .. members[1..]], list.Split(','));
    }

    [Fact]
    public void WithMarker_OverTheLimit_DropsLargeMembersFirstAndNeverOurs()
    {
        var large = "large=" + new string('x', 200);
        var small = Enumerable.Range(0, 10).Select(i => $"s{i}={new string('y', 40)}").ToArray();
        var list = TraceStateList.WithMarker(string.Join(',', [small[0], large, .. small[1..]]), Some.SpanId, isDebug: false);

        Assert.Equal(["mesh=p:b7ad6b7169203331", .. small], list.Split(','));
    }

    [Theory]
    [InlineData(null, nameof(SamplingState.Accept), null)]
    [InlineData(null, nameof(SamplingState.Deny), null)]
    [InlineData(null, nameof(SamplingState.Debug), "mesh=s:d")]
    [InlineData(null, nameof(SamplingState.Defer), "mesh=s:u")]
    [InlineData("foo=1", nameof(SamplingState.Defer), "mesh=s:u,foo=1")]
    [InlineData("mesh=p:b7ad6b7169203331", nameof(SamplingState.Debug), "mesh=p:b7ad6b7169203331;s:d")]
    [InlineData("mesh=p:b7ad6b7169203331;s:d", nameof(SamplingState.Accept), "mesh=p:b7ad6b7169203331")]
    [InlineData("mesh=s:u,foo=1", nameof(SamplingState.Accept), "foo=1")]
    [InlineData("mesh=s:u", nameof(SamplingState.Accept), null)]
    [InlineData("foo=1,mesh=s:u,bar=2", nameof(SamplingState.Deny), "foo=1,bar=2")]
    public void WithState_List_NotesWhatFlagsCannotSay(string? list, string state, string? expected) =>
        Assert.Equal(expected, TraceStateList.WithState(list, Enum.Parse<SamplingState>(state)));

    [Theory]
    [InlineData(false)]
    [InlineData(true, "")]
    [InlineData(true, " ", "\t")]
    [InlineData(false, "", "foo=1")]
    [InlineData(false, ",")]
    public void IsPresentButEmpty_Fields_TellsEnvoysSignature(bool expected, params string[] fields) =>
        Assert.Equal(expected, TraceStateList.IsPresentButEmpty(new StringValues(fields)));
}

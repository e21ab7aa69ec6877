using System.Diagnostics;
using Tracing.Sdk.Export.Encoding;

namespace Tracing.Sdk.Tests.Export.Encoding;

public sealed class ScopeTests
{
    [Fact]
    public void Get_EqualSources_ShareAScope()
    {
        var table = new Scope.Table(_ => []);
        using var one = new ActivitySource("a", "1", [new("k", 1)]);
        using var other = new ActivitySource("a", "1", [new("k", 1)]);
        Assert.Same(table.Get(one), table.Get(other));
    }

    [Fact]
    public void Get_SourcesThatDifferInOneThing_HaveScopesOfTheirOwn()
    {
        var table = new Scope.Table(_ => []);
        ActivitySource[] sources =
        [
            new("a"),
            new("a", "1"),
            new("a", "2"),
            new("a", "1", [new("k", 1)]),
            new("a", "1", [new("k", "1")]),
            new("a", "1", [new("k", 2)]),
            new(new ActivitySourceOptions("a") { Version = "1", TelemetrySchemaUrl = "https://s/1" }),
            new("a1", ""),
        ];
        Assert.Equal(sources.Length, sources.Select(source => table.Get(source).Index).Distinct().Count());
        foreach (var source in sources) source.Dispose();
    }

    [Fact]
    public void Get_SourceWithoutName_IsTheFirst()
    {
        using var activity = new Activity("a").Start();
        Assert.Equal(0, new Scope.Table(_ => []).Get(activity.Source).Index);
    }

    [Fact]
    public void Get_SourcesWithoutEnd_StayBounded()
    {
        var table = new Scope.Table(_ => []);
        for (var i = 0; i < 5000; i++)
        {
            using var source = new ActivitySource($"source {i}");
            table.Get(source);
        }

        Assert.Equal(4096, table.Count);
    }

    [Fact]
    public void Get_ThrowingTag_IsStillAScope()
    {
        using var source = new ActivitySource("a", "1", [new("k", new Throwing())]);
        Assert.Equal("a", new Scope.Table(_ => []).Get(source).Name);
    }
}

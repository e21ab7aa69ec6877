namespace Tracing.Sdk.Tests.Recording;

public sealed class SamplingRuleTests
{
    private const string Conditions = "path, method, host, route, header, source or span";
    private const string Decisions = "always, never, a ratio such as 0.1 or 10%, or a rate such as 5/s";

    [Theory]
    [InlineData("never path=/metrics")]
    [InlineData("path=/metrics never")]
    [InlineData("0.1")]
    [InlineData("10% path=/static/* method=GET host=*.example.com")]
    [InlineData("5/s burst=20 route=/search")]
    [InlineData("0.1/s source=Quartz* span=poll*")]
    [InlineData("always header=x-tenant:gold header=x-debug override-caller")]
    [InlineData("always span=\"GET /x y\"")]
    public void Parse_Rule_ComesBackAsText(string text)
    {
        var rule = SamplingRule.Parse(text);

        Assert.Equal(text, rule.ToString());
        Assert.Equal(rule, SamplingRule.Parse(rule.ToString()));
        Assert.True(SamplingRule.TryParse(text.AsSpan(), null, out var same));
        Assert.Equal(rule, same);
        Assert.Equal(rule.GetHashCode(), same.GetHashCode());
        Assert.NotEqual(rule, SamplingRule.Parse("always path=/other"));
    }

    [Fact]
    public void Parse_Blanks_BecomeSingleOnes() => Assert.Equal("never path=/a method=GET", SamplingRule.Parse("  never \t path=/a   method=GET ").ToString());

    [Theory]
    [InlineData("always", 1.0)]
    [InlineData("NEVER", 0.0)]
    [InlineData("0", 0.0)]
    [InlineData("1", 1.0)]
    [InlineData("0.25", 0.25)]
    [InlineData("25%", 0.25)]
    [InlineData("0.5%", 0.005)]
    [InlineData("100%", 1.0)]
    public void Parse_Ratio_IsRead(string text, double ratio) => Assert.Equal((ratio, null), (SamplingRule.Parse(text).Ratio!.Value, SamplingRule.Parse(text).Rate));

    [Theory]
    [InlineData("5/s", 5, 5)]
    [InlineData("0.1/s", 0.1, 1)]
    [InlineData("2.5/s", 2.5, 2.5)]
    [InlineData("5/s burst=20", 5, 20)]
    [InlineData("burst=1 100/S", 100, 1)]
    public void Parse_Rate_HasItsBurst(string text, double rate, double burst)
    {
        var rule = SamplingRule.Parse(text);

        Assert.Equal((rate, burst), (rule.Rate!.Value, rule.Burst));
        Assert.Null(rule.Ratio);
    }

    [Theory]
    [InlineData("", "a rule is empty: write a decision and conditions, such as 10% path=/api/*")]
    [InlineData(" ", "a rule is empty: write a decision and conditions, such as 10% path=/api/*")]
    [InlineData("path=/x", $"\"path=/x\" has no decision: write {Decisions}")]
    [InlineData("override-caller", $"\"override-caller\" has no decision: write {Decisions}")]
    [InlineData("never path=/x always", "\"always\" in \"never path=/x always\" is a second decision after \"never\"")]
    [InlineData("10% 5/s", "\"5/s\" in \"10% 5/s\" is a second decision after \"10%\"")]
    [InlineData("sometimes path=/x", $"\"sometimes\" in \"sometimes path=/x\" is neither a decision nor a condition: a decision is {Decisions}; a condition is {Conditions} with = and a text")]
    [InlineData("never /x", $"\"/x\" in \"never /x\" is neither a decision nor a condition: a decision is {Decisions}; a condition is {Conditions} with = and a text")]
    [InlineData("never =/x", $"\"=/x\" in \"never =/x\" is neither a decision nor a condition: a decision is {Decisions}; a condition is {Conditions} with = and a text")]
    [InlineData("-1", $"\"-1\" in \"-1\" is neither a decision nor a condition: a decision is {Decisions}; a condition is {Conditions} with = and a text")]
    [InlineData("NaN", $"\"NaN\" in \"NaN\" is neither a decision nor a condition: a decision is {Decisions}; a condition is {Conditions} with = and a text")]
    [InlineData("5/m", $"\"5/m\" in \"5/m\" is neither a decision nor a condition: a decision is {Decisions}; a condition is {Conditions} with = and a text")]
    [InlineData("5 path=/x", "\"5\" in \"5 path=/x\" is no ratio: it must be from 0 to 1; 5% is a percentage, and 5/s a rate")]
    [InlineData("150% path=/x", "\"150%\" in \"150% path=/x\" is no percentage: it must be from 0% to 100%")]
    [InlineData("0/s", "\"0/s\" in \"0/s\" is no rate: it must be from 0.001/s to 1000000/s")]
    [InlineData("9999999/s", "\"9999999/s\" in \"9999999/s\" is no rate: it must be from 0.001/s to 1000000/s")]
    [InlineData("5/s burst=0", "\"burst=0\" in \"5/s burst=0\" is no burst: write a whole number from 1 to 1000000, such as burst=20")]
    [InlineData("5/s burst=1.5", "\"burst=1.5\" in \"5/s burst=1.5\" is no burst: write a whole number from 1 to 1000000, such as burst=20")]
    [InlineData("5/s burst=2 burst=3", "\"burst=3\" in \"5/s burst=2 burst=3\" is a second burst")]
    [InlineData("10% burst=20", "\"burst\" in \"10% burst=20\" belongs to a rate such as 5/s")]
    [InlineData("never pth=/x", $"\"pth=/x\" in \"never pth=/x\" is no condition: write {Conditions}")]
    [InlineData("never 0=/x", $"\"0=/x\" in \"never 0=/x\" is no condition: write {Conditions}")]
    [InlineData("never path=", "\"path=\" in \"never path=\" has no text after path=")]
    [InlineData("never path=\"\"", "\"path=\"\"\" in \"never path=\"\"\" has no text after path=")]
    [InlineData("never path=/a path=/b", "\"path=/b\" in \"never path=/a path=/b\" is a second path: write a rule for each")]
    [InlineData("never path=metrics", "\"path=metrics\" in \"never path=metrics\" is no path: it must begin with / or *, without a query")]
    [InlineData("never path=/a?b=1", "\"path=/a?b=1\" in \"never path=/a?b=1\" is no path: it must begin with / or *, without a query")]
    [InlineData("never route=orders/{id}", "\"route=orders/{id}\" in \"never route=orders/{id}\" is no route: it must begin with / or *, without a query")]
    [InlineData("never method=GET,PUT", "\"method=GET,PUT\" in \"never method=GET,PUT\" is no method: write one such as GET")]
    [InlineData("never host=a.example:80", "\"host=a.example:80\" in \"never host=a.example:80\" is no host: write a name or an address without a port, such as *.example.com")]
    [InlineData("never header=:gold", "\"header=:gold\" in \"never header=:gold\" is no header: write its name, or a name and a value such as x-tenant:gold")]
    [InlineData("never header=x-tenant=gold", "\"header=x-tenant=gold\" in \"never header=x-tenant=gold\" is no header: write its name, or a name and a value such as x-tenant:gold")]
    [InlineData("never header=x-tenant:", "\"header=x-tenant:\" in \"never header=x-tenant:\" has no value after x-tenant:")]
    [InlineData("never span=\"GET /x", "a quotation mark in \"never span=\"GET /x\" has no second one")]
    [InlineData("never path=/x source=Quartz", "\"never path=/x source=Quartz\" can match nothing: path is a condition of requests, and source one of spans outside of requests")]
    [InlineData("never span=poll header=x", "\"never span=poll header=x\" can match nothing: header is a condition of requests, and span one of spans outside of requests")]
    public void Parse_NoRule_SaysWhichWordIsWrong(string text, string message)
    {
        Assert.Equal(message, Assert.Throws<FormatException>(() => SamplingRule.Parse(text)).Message);
        Assert.False(SamplingRule.TryParse(text, null, out var rule));
        Assert.Null(rule);
    }
}

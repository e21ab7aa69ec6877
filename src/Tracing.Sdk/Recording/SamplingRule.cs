using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Tracing.Sdk;

/// <summary>A rule of sampling in words, a decision and its conditions: <c>never path=/metrics</c>, <c>10% path=/static/*</c>, <c>5/s burst=20 route=/search</c>,
/// <c>always header=x-tenant:gold override-caller</c>.</summary>
/// <remarks>
/// One word is the decision: <c>always</c>, <c>never</c>, a ratio from <c>0</c> to <c>1</c> or from <c>0%</c> to <c>100%</c>, or a rate such as <c>5/s</c>, with <c>burst=20</c> where
/// more may come at once after a pause (default: the rate, at least 1). The others are conditions, which all have to match:
/// <list type="bullet">
/// <item>of a request: <c>path=/api/*</c> (with its base), <c>method=GET</c>, <c>host=*.example.com</c> (without the port), <c>route=/orders/{id}</c>, <c>header=x-tenant</c>,
/// <c>header=x-tenant:gold</c>;</item>
/// <item>of any other first span of this process, such as that of a job, a timer or a message: <c>source=Quartz*</c>, <c>span=poll*</c>.</item>
/// </list>
/// <c>*</c> stands for any characters, and letter case does not count. A text with blanks stands in quotes: <c>span="GET /x"</c>. A rule has conditions of one kind and matches
/// nothing of the other; a rule without conditions matches both.
/// <para>A rule is for traces about which no caller has decided. With <c>override-caller</c> it is for all; a B3 debug trace is recorded in any case.</para>
/// </remarks>
public sealed record SamplingRule : ISpanParsable<SamplingRule>
{
    private const string Decisions = "always, never, a ratio such as 0.1 or 10%, or a rate such as 5/s";
    private const string Conditions = "path, method, host, route, header, source or span";
    private const double MinRate = 0.001;
    private const int MaxRate = 1_000_000;

    private readonly string _text;
    private readonly List<(ConditionKind Kind, string Pattern, string? Header)> _conditions = [];

    private SamplingRule(string text) => _text = text;

    internal enum ConditionKind { Path, Method, Host, Route, Header, Source, Span }

    /// <summary>Share of the traces that is recorded; null when a rate decides.</summary>
    internal double? Ratio { get; private set; }

    /// <summary>Traces a second that are recorded; null when a ratio decides.</summary>
    internal double? Rate { get; private set; }

    /// <summary>Traces that the rate lets through at once after a pause.</summary>
    internal double Burst { get; private set; }
    internal bool OverridesCaller { get; private set; }

    /// <summary>What has to match: what is compared, the text with <c>*</c> for any characters, and the name of the header where one is compared.</summary>
    internal IReadOnlyList<(ConditionKind Kind, string Pattern, string? Header)> AllConditions => _conditions;

    /// <summary>Reads a rule.</summary>
    /// <param name="s">The text, such as <c>never path=/metrics</c>.</param>
    /// <exception cref="FormatException">The text is no rule; the message says which word is wrong.</exception>
    public static SamplingRule Parse(string s)
    {
        ArgumentNullException.ThrowIfNull(s);
        return Read(s, out var rule) is { } fault ? throw new FormatException(fault) : rule!;
    }

    static SamplingRule IParsable<SamplingRule>.Parse(string s, IFormatProvider? provider) => Parse(s);

    static SamplingRule ISpanParsable<SamplingRule>.Parse(ReadOnlySpan<char> s, IFormatProvider? provider) => Parse(s.ToString());

    /// <summary>Reads a rule, or returns false.</summary>
    /// <param name="s">The text, such as <c>never path=/metrics</c>.</param>
    /// <param name="provider">Not used.</param>
    /// <param name="result">The rule; null when the text is none.</param>
    /// <returns>Whether the text is a rule.</returns>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, [MaybeNullWhen(false)] out SamplingRule result) =>
        Read(s ?? "", out result) is null;

    /// <inheritdoc cref="TryParse(string?, IFormatProvider?, out SamplingRule)"/>
    public static bool TryParse(ReadOnlySpan<char> s, IFormatProvider? provider, [MaybeNullWhen(false)] out SamplingRule result) =>
        TryParse(s.ToString(), provider, out result);

    /// <summary>The rule as it was written, with single blanks.</summary>
    public override string ToString() => _text;

    /// <summary>Whether both are the same words in the same order.</summary>
    /// <param name="other">The other rule.</param>
    public bool Equals(SamplingRule? other) => other is not null && _text == other._text;

    /// <inheritdoc/>
    public override int GetHashCode() => _text.GetHashCode(StringComparison.Ordinal);

    internal static bool IsOfRequests(ConditionKind kind) => kind is not (ConditionKind.Source or ConditionKind.Span);

    /// <summary>Reads a rule, or says what is wrong with it.</summary>
    internal static string? Read(string text, out SamplingRule? rule)
    {
        rule = null;
        if (!TrySplit(text, out var words)) return $"a quotation mark in \"{text}\" has no second one";
        if (words.Count == 0) return "a rule is empty: write a decision and conditions, such as 10% path=/api/*";
        var read = new SamplingRule(string.Join(' ', words));
        string? decision = null;
        double? burst = null;
        foreach (var word in words)
        {
            var equals = word.IndexOf('=');
            if (word.Equals("override-caller", StringComparison.OrdinalIgnoreCase))
            {
                read.OverridesCaller = true;
            }
            else if (equals > 0 && word.StartsWith("burst=", StringComparison.OrdinalIgnoreCase))
            {
                if (burst is not null) return $"\"{word}\" in \"{text}\" is a second burst";
                if (!int.TryParse(word.AsSpan(equals + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number is 0 or > MaxRate)
                {
                    return $"\"{word}\" in \"{text}\" is no burst: write a whole number from 1 to {MaxRate}, such as burst=20";
                }

                burst = number;
            }
            else if (equals > 0)
            {
                if (read.AddCondition(word[..equals], word[(equals + 1)..].Replace("\"", "", StringComparison.Ordinal)) is { } fault) return $"\"{word}\" in \"{text}\" {fault}";
            }
            else
            {
                if (!read.TrySetDecision(word, out var fault)) return $"\"{word}\" in \"{text}\" {fault}";
                if (decision is not null) return $"\"{word}\" in \"{text}\" is a second decision after \"{decision}\"";
                decision = word;
            }
        }

        if (decision is null) return $"\"{text}\" has no decision: write {Decisions}";
        if (burst is not null && read.Rate is null) return $"\"burst\" in \"{text}\" belongs to a rate such as 5/s";
        var (request, other) = (read._conditions.FindIndex(c => IsOfRequests(c.Kind)), read._conditions.FindIndex(c => !IsOfRequests(c.Kind)));
        if (request >= 0 && other >= 0)
        {
            return $"\"{text}\" can match nothing: {NameOf(read._conditions[request].Kind)} is a condition of requests, and {NameOf(read._conditions[other].Kind)} one of spans outside of requests";
        }

        read.Burst = burst ?? Math.Max(1, read.Rate ?? 1);
        rule = read;
        return null;
    }

    private bool TrySetDecision(string word, out string? fault)
    {
        fault = null;
        if (word.Equals("always", StringComparison.OrdinalIgnoreCase)) Ratio = 1;
        else if (word.Equals("never", StringComparison.OrdinalIgnoreCase)) Ratio = 0;
        else if (word.EndsWith("/s", StringComparison.OrdinalIgnoreCase) && TryReadNumber(word.AsSpan(..^2), out var rate))
        {
            Rate = rate;
            if (rate is < MinRate or > MaxRate) fault = string.Create(CultureInfo.InvariantCulture, $"is no rate: it must be from {MinRate}/s to {MaxRate}/s");
        }
        else if (TryReadNumber(word.AsSpan().TrimEnd('%'), out var number))
        {
            var isPercentage = word.EndsWith('%');
            Ratio = isPercentage ? number / 100 : number;
            if (Ratio > 1) fault = isPercentage ? "is no percentage: it must be from 0% to 100%" : $"is no ratio: it must be from 0 to 1; {word}% is a percentage, and {word}/s a rate";
        }
        else
        {
            fault = $"is neither a decision nor a condition: a decision is {Decisions}; a condition is {Conditions} with = and a text";
        }

        return fault is null;
    }

    // Returns what is wrong with it.
    private string? AddCondition(string name, string text)
    {
        if (!Enum.TryParse<ConditionKind>(name, ignoreCase: true, out var kind) || !name.All(char.IsAsciiLetter)) return $"is no condition: write {Conditions}";
        name = NameOf(kind);
        if (kind != ConditionKind.Header && _conditions.Exists(c => c.Kind == kind)) return $"is a second {name}: write a rule for each";
        if (text.Length == 0) return $"has no text after {name}=";
        string? header = null;
        switch (kind)
        {
            case ConditionKind.Path or ConditionKind.Route when text[0] is not ('/' or '*') || text.AsSpan().ContainsAny(' ', '?', '#'):
                return $"is no {name}: it must begin with / or *, without a query";
            case ConditionKind.Method when !IsToken(text):
                return "is no method: write one such as GET";
            case ConditionKind.Host when !text.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_' or '*'):
                return "is no host: write a name or an address without a port, such as *.example.com";
            case ConditionKind.Header:
                var colon = text.IndexOf(':');
                (header, text) = colon < 0 ? (text, "*") : (text[..colon], text[(colon + 1)..]);
                if (!IsToken(header)) return "is no header: write its name, or a name and a value such as x-tenant:gold";
                if (text.Length == 0) return $"has no value after {header}:";
                break;
        }

        _conditions.Add((kind, text, header));
        return null;
    }

    // At blanks outside of quotation marks.
    private static bool TrySplit(string text, out List<string> words)
    {
        words = [];
        var start = -1;
        var isQuoted = false;
        for (var i = 0; i <= text.Length; i++)
        {
            var isEnd = i == text.Length || (!isQuoted && char.IsWhiteSpace(text[i]));
            if (!isEnd)
            {
                if (start < 0) start = i;
                if (text[i] == '"') isQuoted = !isQuoted;
            }
            else if (start >= 0)
            {
                words.Add(text[start..i]);
                start = -1;
            }
        }

        return !isQuoted;
    }

    private static string NameOf(ConditionKind kind) => kind.ToString().ToLowerInvariant();

    // double.TryParse also takes words such as NaN.
    private static bool TryReadNumber(ReadOnlySpan<char> text, out double number)
    {
        number = 0;
        return !text.ContainsAnyExceptInRange('.', '9') && double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out number);
    }

    private static bool IsToken(string text) => text.Length > 0 && text.All(c => char.IsAsciiLetterOrDigit(c) || "!#$%&'*+-.^_`|~".Contains(c));
}

using System.Diagnostics.CodeAnalysis;

namespace Tracing.Sdk;

/// <summary>One rule of sampling in words.</summary>
public sealed record SamplingRule : ISpanParsable<SamplingRule>
{
    private readonly string _text;

    private SamplingRule(string text) => _text = text;

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

    /// <summary>The rule as it is parsed.</summary>
    public override string ToString() => _text;

    // A draft: the grammar comes with the rules.
    internal static string? Read(string text, out SamplingRule? rule)
    {
        rule = text.Length == 0 ? null : new SamplingRule(text);
        return rule is null ? "a rule is empty" : null;
    }
}

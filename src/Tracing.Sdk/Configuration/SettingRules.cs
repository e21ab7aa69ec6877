using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Tracing.Sdk.Logging;
using Tracing.Sdk.Propagation;
using Tracing.Sdk.Propagation.Mesh;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Configuration;

/// <summary>A list of known items.</summary>
internal sealed class ItemsAttribute(params string[] known) : ExpectedAttribute($"a list of {string.Join(", ", known[..^1])}, or {known[^1]}")
{
    public IReadOnlyList<string> Known { get; } = known;

    public override bool Allows(object? value, MeshTracingOptions options) => ((IList<string>)value!).All(Knows);
    public bool Knows(string item) => Known.Contains(item, StringComparer.OrdinalIgnoreCase);
}

/// <summary>A list of hosts.</summary>
internal sealed class HostPatternsAttribute() : ExpectedAttribute("a list of host names, suffixes such as *.example.com, addresses or networks such as 10.0.0.0/8")
{
    public override bool Allows(object? value, MeshTracingOptions options)
    {
        try
        {
            _ = new HostPatterns((IList<string>)value!);
            return true;
        }
        catch (FormatException)
        {
            return false;
        }
    }
}

/// <summary>The beginning of header names.</summary>
internal sealed class HeaderPrefixAttribute() : ExpectedAttribute("a header name without its last part, such as x-envoy")
{
    public override bool Allows(object? value, MeshTracingOptions options) => IsHeaderName(value as string);
    public static bool IsHeaderName(string? name) => !string.IsNullOrEmpty(name) && name.All(c => char.IsAsciiLetterOrDigit(c) || "!#$%&'*+-.^_`|~".Contains(c));
}

/// <summary>A list of names of headers that may go further than one hop.</summary>
internal sealed class ForwardedHeadersAttribute()
    : ExpectedAttribute("a list of header names that are not a proxy's own (x-forwarded-*, x-envoy-* and the like belong to one hop)")
{
    public override bool Allows(object? value, MeshTracingOptions options) =>
        ((IList<string>)value!).All(h => HeaderPrefixAttribute.IsHeaderName(h) && !HopHeaders.Contains(h, options.Http.EnvoyHeaderPrefix));
}

/// <summary>Names and values of headers that hold secrets: no value is ever shown.</summary>
internal sealed class SecretHeadersAttribute() : ExpectedAttribute("a list such as key=value,other=value, percent-encoded where needed")
{
    public override bool Allows(object? value, MeshTracingOptions options) =>
        ((IDictionary<string, string>)value!).All(h => HeaderPrefixAttribute.IsHeaderName(h.Key) && HeaderText.IsSafe(h.Value));

    // The padding of a secret in base64, given without its name, makes it read as the key of an empty value.
    public static string ShownKey(KeyValuePair<string, string> header) => header.Value is "" or "=" ? LogText.Hidden : header.Key;
}

/// <summary>The path of a PEM file.</summary>
internal sealed class PemFileAttribute() : ExpectedAttribute("the path of a PEM file")
{
    /// <summary>Whether the file holds at least one certificate.</summary>
    public bool HasCertificate { get; init; }

    public override bool Allows(object? value, MeshTracingOptions options) => value is not string file || !HasCertificate || CanRead(() =>
    {
        var certificates = new X509Certificate2Collection();
        certificates.ImportFromPemFile(file);
        return certificates.Count > 0;
    });

    /// <summary>Whether the files hold a certificate and its key. The key is in its own file, or in that of the certificate.</summary>
    public static bool AreCertificateAndKey(string? certificate, string? key) => certificate is null ? key is null : CanRead(() =>
    {
        X509Certificate2.CreateFromPemFile(certificate, key).Dispose();
        return true;
    });

    private static bool CanRead(Func<bool> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException or IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}

/// <summary>A list of paths.</summary>
internal sealed class PathPatternsAttribute() : ExpectedAttribute("a list of paths such as /metrics or /static/*, where * stands for any characters")
{
    public override bool Allows(object? value, MeshTracingOptions options) => ((IList<string>)value!).All(WildcardPattern.IsPathPattern);
}

/// <summary>A list of hosts with ports and paths.</summary>
internal sealed class CallPatternsAttribute() : ExpectedAttribute("a list of hosts, with a port and a path where needed, such as vault.internal, *.example.com or localhost:8500/v1/*")
{
    public override bool Allows(object? value, MeshTracingOptions options)
    {
        try
        {
            foreach (var text in (IList<string>)value!) _ = new CallPattern(text);
            return true;
        }
        catch (FormatException)
        {
            return false;
        }
    }
}

/// <summary>A list of names of attributes.</summary>
internal sealed class AttributeNamesAttribute() : ExpectedAttribute("a list of names such as db.query.text or enduser.*, where * at the end stands for any rest")
{
    public override bool Allows(object? value, MeshTracingOptions options) =>
        ((IList<string>)value!).All(name => !string.IsNullOrWhiteSpace(name) && name.IndexOf('*', StringComparison.Ordinal) is var star && (star < 0 || star == name.Length - 1));
}

/// <summary>A time that 0 turns off.</summary>
internal sealed class TimeOrZeroAttribute() : ExpectedAttribute("a time, written hours:minutes:seconds, such as 00:01:00, or 00:00:00 for never");

using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace Tracing.Sdk.Export;

/// <summary>Facts about the latest connection to the collector, from which <see cref="FailureCause"/> derives its advice.</summary>
/// <remarks>Written by the thread that connects or reads, read by the export thread afterwards.</remarks>
internal sealed class ConnectionFacts
{
    private const int MaxBytes = 16;

    private readonly byte[] _first = new byte[MaxBytes];
    private volatile int _count;
    private volatile int _opened;

    /// <summary>How many connections have been opened.</summary>
    public int Opened => _opened;

    /// <summary>Whether the latest connection has carried an answer.</summary>
    public bool HasAnswered { get; set; }

    /// <summary>What is wrong with the certificate that the collector has shown; null when it is right or none was shown.</summary>
    public string? CertificateProblem { get; private set; }

    /// <summary>Whether the problem is that the authority that signed it is not trusted.</summary>
    public bool IsUnknownAuthority { get; private set; }

    /// <summary>Whether the collector has asked for a client certificate.</summary>
    public bool AsksForCertificate { get; set; }

    /// <summary>The first bytes that the collector has sent.</summary>
    public ReadOnlySpan<byte> FirstBytes => _first.AsSpan(0, _count);

    /// <summary>Begins a new connection.</summary>
    public void Begin()
    {
        _count = 0;
        HasAnswered = false;
        AsksForCertificate = false;
        CertificateProblem = null;
        _opened++;
    }

    public void Received(ReadOnlySpan<byte> bytes)
    {
        var count = _count;
        if (count == MaxBytes || bytes.IsEmpty) return;
        var kept = bytes[..Math.Min(bytes.Length, MaxBytes - count)];
        kept.CopyTo(_first.AsSpan(count));
        _count = count + kept.Length;
    }

    public void Judge(SslPolicyErrors errors, X509Chain? chain)
    {
        IsUnknownAuthority = false;
        CertificateProblem = null;
        if (errors == SslPolicyErrors.None) return;
        if ((errors & SslPolicyErrors.RemoteCertificateNotAvailable) != 0)
        {
            CertificateProblem = "it shows no certificate";
        }
        else if ((errors & SslPolicyErrors.RemoteCertificateNameMismatch) != 0)
        {
            CertificateProblem = "its certificate is for another host name";
        }
        else
        {
            var flags = X509ChainStatusFlags.NoError;
            foreach (var status in chain?.ChainStatus ?? []) flags |= status.Status;
            IsUnknownAuthority = (flags & (X509ChainStatusFlags.PartialChain | X509ChainStatusFlags.UntrustedRoot)) != 0;
            CertificateProblem = IsUnknownAuthority ? "the authority that signed its certificate is not trusted"
                : (flags & X509ChainStatusFlags.NotTimeValid) != 0 ? "its certificate has expired or is not valid yet"
                : $"its certificate is not valid ({flags})";
        }
    }
}

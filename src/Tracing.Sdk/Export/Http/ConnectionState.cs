using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace Tracing.Sdk.Export.Http;

/// <summary>What is known of the latest connection to the collector. <see cref="FailureMessage"/> explains failures by it.</summary>
/// <remarks>Written by the thread that connects or reads, and read by the export thread after the request has ended.</remarks>
/// <param name="isHttp2">Whether requests are sent in HTTP/2.</param>
internal sealed class ConnectionState(bool isHttp2)
{
    private const int MaxBytes = 16;

    private readonly byte[] _first = new byte[MaxBytes];
    private volatile int _count;
    private volatile int _opened;
    private volatile bool _isNew;
    private volatile bool _speaksOtherVersion;

    public int OpenedCount => _opened;

    /// <summary>Whether the latest connection has carried an answer.</summary>
    public bool HasAnswered { get; private set; }

    /// <summary>Whether a connection since the last answer has shown that the other end speaks another version of HTTP, so that it can have understood nothing.</summary>
    public bool SpeaksOtherVersion => _speaksOtherVersion;

    /// <summary>What is wrong with the collector's certificate; null when it is valid or was not seen.</summary>
    public string? CertificateProblem { get; private set; }

    /// <summary>Whether the certificate's authority is not trusted.</summary>
    public bool IsUnknownAuthority { get; private set; }

    /// <summary>Whether the collector has asked for a client certificate.</summary>
    public bool AsksForCertificate { get; set; }

    /// <summary>The first bytes that the collector has sent.</summary>
    public ReadOnlySpan<byte> FirstBytes => _first.AsSpan(0, _count);

    /// <summary>Whether the other end has begun with a SETTINGS frame of HTTP/2: three bytes of length, then type 4.</summary>
    public bool BeginsWithSettings => FirstBytes is [0, 0, _, 4, ..];

    /// <summary>Whether the other end has answered in HTTP/1.1, without TLS.</summary>
    public bool SpeaksHttp1 => FirstBytes.StartsWith("HTTP/"u8);

    public void SetAnswered() => (HasAnswered, _speaksOtherVersion) = (true, false);

    /// <summary>Begins a new connection.</summary>
    /// <remarks>SocketsHttpHandler may open it while the failure of the one before is still being described, so what that one has shown stays until this one shows something.</remarks>
    public void Reset()
    {
        _isNew = true;
        if (HasAnswered)
        {
            _count = 0;
            AsksForCertificate = false;
            CertificateProblem = null;
        }

        HasAnswered = false;
        _opened++;
    }

    public void AddReceived(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty) return;
        var count = _isNew ? 0 : _count;
        _isNew = false;
        if (count == MaxBytes) return;
        var kept = bytes[..Math.Min(bytes.Length, MaxBytes - count)];
        kept.CopyTo(_first.AsSpan(count));
        _count = count + kept.Length;
        if (isHttp2 ? SpeaksHttp1 : BeginsWithSettings) _speaksOtherVersion = true;
    }

    public void CheckCertificate(SslPolicyErrors errors, X509Chain? chain)
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

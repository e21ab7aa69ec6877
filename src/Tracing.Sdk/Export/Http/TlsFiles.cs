using System.Net.Security;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Tracing.Sdk.Export.Http;

/// <summary>The PEM files of an exporter's TLS settings. Export thread only.</summary>
/// <remarks>The files may be replaced while the process runs. They are read before each request, because the connection is kept for ever: without a reason to open a new
/// one, a replaced certificate would not be used before the collector closes the connection. A file costs some ten microseconds, once a second in most
/// processes.</remarks>
internal sealed class TlsFiles(ExporterSettings settings)
{
    private readonly string?[] _paths = [settings.CertificateFile, settings.ClientCertificateFile, settings.ClientKeyFile];
    private readonly string?[] _texts = new string?[3];
    private readonly bool _isUsed = settings.CertificateFile is not null || settings.ClientCertificateFile is not null;

    /// <summary>Reads the files and returns whether the content of one has changed.</summary>
    /// <remarks>The time of a file says nothing: a mounted secret is replaced by moving a symbolic link, which keeps the times.</remarks>
    public bool HaveChanged()
    {
        if (!_isUsed) return false;
        var isChanged = false;
        for (var i = 0; i < _paths.Length; i++)
        {
            if (_paths[i] is not { } path) continue;
            var text = Read(path);
            if (text == _texts[i]) continue;
            _texts[i] = text;
            isChanged = true;
        }

        return isChanged;
    }

    /// <summary>Returns the TLS options of the files that were read last.</summary>
    /// <exception cref="CryptographicException">A file is missing or has no usable content. The message names the file.</exception>
    public SslClientAuthenticationOptions ToOptions()
    {
        var options = new SslClientAuthenticationOptions();
        var file = settings.CertificateFile;
        try
        {
            if (file is not null)
            {
                var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
                policy.CustomTrustStore.ImportFromPem(GetText(0));
                if (policy.CustomTrustStore.Count == 0) throw new CryptographicException("it holds no certificate");
                options.CertificateChainPolicy = policy;
            }

            file = settings.ClientCertificateFile;
            if (file is not null) options.ClientCertificateContext = LoadClientCertificate();
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw new CryptographicException($"{file}: {e.Message}", e);
        }

        return options;
    }

    private SslStreamCertificateContext LoadClientCertificate()
    {
        var text = GetText(1);
        var certificate = X509Certificate2.CreateFromPem(text, settings.ClientKeyFile is null ? text : GetText(2));
        if (RuntimeInformation.IsOSPlatform(OSPlatform.Windows))
        {
            // Schannel accepts no key that exists in memory only.
            using var ephemeral = certificate;
            certificate = X509CertificateLoader.LoadPkcs12(ephemeral.Export(X509ContentType.Pkcs12), null);
        }

        var chain = new X509Certificate2Collection();
        chain.ImportFromPem(text);
        return SslStreamCertificateContext.Create(certificate, chain, offline: true);
    }

    private string GetText(int index) => _texts[index] ?? throw new CryptographicException("it cannot be read");

    private static string? Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}

using System.Security.Cryptography.X509Certificates;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Tests.Export;

public sealed class TlsTests : IDisposable
{
    private readonly TestAuthority _authority = new();

    [Fact]
    public void Export_AuthorityOfTheSettings_IsTrusted()
    {
        using var collector = new ScriptedCollector(certificate: _authority.Issue("localhost"));
        using var exporter = new ExporterUnderTest(collector.Endpoint, settings => settings with { CertificateFile = AuthorityFile() }).Add();
        Assert.True(exporter.Flush());
        exporter.AssertCounts(exported: 1);
    }

    [Fact]
    public void Export_Twice_UsesOneConnection()
    {
        using var collector = new ScriptedCollector(certificate: _authority.Issue("localhost"));
        using var exporter = new ExporterUnderTest(collector.Endpoint, settings => settings with { CertificateFile = AuthorityFile() });
        Assert.True(exporter.Add().Flush());
        Assert.True(exporter.Add().Flush());
        Assert.Equal((2, 1), (collector.Requests.Count, collector.Connections));
    }

    [Fact]
    public void Export_ClosedWhileIdle_GoesOverANewConnectionAtOnce()
    {
        using var collector = new ScriptedCollector(certificate: _authority.Issue("localhost")).Then(ScriptedCollector.Reply(200), ScriptedCollector.Reset);
        using var exporter = new ExporterUnderTest(collector.Endpoint, settings => settings with { CertificateFile = AuthorityFile() });
        Assert.True(exporter.Add().Flush());
        Assert.True(exporter.Add().Flush());
        exporter.AssertCounts(exported: 2);
        Assert.Equal(0, exporter.Metrics.Retries);
    }

    [Fact]
    public void Shutdown_AcceptsAndNeverAnswers_EndsInItsTime()
    {
        using var collector = new ScriptedCollector(certificate: _authority.Issue("localhost")) { Otherwise = ScriptedCollector.Hang };
        using var exporter = new ExporterUnderTest(collector.Endpoint, settings => settings with { CertificateFile = AuthorityFile() }).Add(2);
        Assert.False(exporter.Flush(TimeSpan.FromMilliseconds(1)));
        collector.Take();
        exporter.Shutdown(TimeSpan.FromMilliseconds(100));
        exporter.AssertCounts(dropped: 2, reason: DropReason.Shutdown);
    }

    [Fact]
    public void Shutdown_SuccessWithABodyThatNeverEnds_IsTaken()
    {
        using var collector = new ScriptedCollector(certificate: _authority.Issue("localhost")).Then(FaultTests.BodyThatNeverEnds);
        using var exporter = new ExporterUnderTest(collector.Endpoint, settings => settings with { CertificateFile = AuthorityFile() }).Add(2);
        Assert.False(exporter.Flush(TimeSpan.FromMilliseconds(1)));
        collector.Take();
        exporter.Shutdown(TimeSpan.FromSeconds(1));
        exporter.AssertCounts(exported: 2);
    }

    [Fact]
    public void Export_UnknownAuthority_IsNotTrusted()
    {
        using var collector = new ScriptedCollector(certificate: _authority.Issue("localhost"));
        using var exporter = new ExporterUnderTest(collector.Endpoint, isHeld: true).Add();
        Assert.False(exporter.Flush());
        exporter.AssertCounts(inFlight: 1);
        Assert.Contains("set MeshTracing:Export:Otlp:CertificateFile", Assert.Single(exporter.Log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public void Export_CertificateOfAnotherHost_IsNotTrusted()
    {
        using var collector = new ScriptedCollector(certificate: _authority.Issue("elsewhere"));
        using var exporter = new ExporterUnderTest(collector.Endpoint, settings => settings with { CertificateFile = AuthorityFile() }, isHeld: true).Add();
        Assert.False(exporter.Flush());
        exporter.AssertCounts(inFlight: 1);
        Assert.Contains("its certificate is for another host name", Assert.Single(exporter.Log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public void Export_ExpiredCertificate_IsNotTrusted()
    {
        using var collector = new ScriptedCollector(certificate: _authority.Issue("localhost", isExpired: true));
        using var exporter = new ExporterUnderTest(collector.Endpoint, settings => settings with { CertificateFile = AuthorityFile() }, isHeld: true).Add();
        Assert.False(exporter.Flush());
        exporter.AssertCounts(inFlight: 1);
        Assert.Contains("its certificate has expired", Assert.Single(exporter.Log.Lines), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Export_ClientCertificate_IsShown(bool keyInItsOwnFile)
    {
        using var collector = new ScriptedCollector(certificate: _authority.Issue("localhost"), asksForCertificate: true);
        var client = _authority.Issue("client");
        var certificate = client.ExportCertificatePem();
        var key = client.GetRSAPrivateKey()!.ExportPkcs8PrivateKeyPem();
        var file = _authority.Write("client.pem", keyInItsOwnFile ? certificate : $"{certificate}\n{key}");
        using var exporter = new ExporterUnderTest(
            collector.Endpoint,
            settings => settings with
            {
                CertificateFile = AuthorityFile(),
                ClientCertificateFile = file,
                ClientKeyFile = keyInItsOwnFile ? _authority.Write("client.key", key) : null,
            }).Add();
        Assert.True(exporter.Flush());
        Assert.Equal("CN=client", collector.ClientCertificate?.Subject);
    }

    [Fact]
    public void Export_AuthorityFileIsReplaced_IsReadForTheNextConnection()
    {
        using var newAuthority = new TestAuthority();
        using var first = new ScriptedCollector(certificate: _authority.Issue("localhost"));
        var file = AuthorityFile();
        using var exporter = new ExporterUnderTest(first.Endpoint, settings => settings with { CertificateFile = file });
        Assert.True(exporter.Add().Flush());
        first.Dispose();
        using var second = new ScriptedCollector(first.Port, newAuthority.Issue("localhost"));
        File.WriteAllText(file, newAuthority.Pem);
        Assert.True(exporter.Add().Flush());
        exporter.AssertCounts(exported: 2);
    }

    [Fact]
    public void Export_AuthorityFileIsMovedByALink_IsReadForTheNextConnection()
    {
        // As a mounted secret is replaced: the path stays, and its symbolic link is moved.
        using var newAuthority = new TestAuthority();
        using var first = new ScriptedCollector(certificate: _authority.Issue("localhost"));
        var file = Path.Combine(Path.GetDirectoryName(_authority.Write("old.pem", _authority.Pem))!, "ca.pem");
        File.CreateSymbolicLink(file, _authority.Write("old.pem", _authority.Pem));
        using var exporter = new ExporterUnderTest(first.Endpoint, settings => settings with { CertificateFile = file });
        Assert.True(exporter.Add().Flush());
        first.Dispose();
        using var second = new ScriptedCollector(first.Port, newAuthority.Issue("localhost"));
        File.Delete(file);
        File.CreateSymbolicLink(file, newAuthority.Write("new.pem", newAuthority.Pem));
        Assert.True(exporter.Add().Flush());
        exporter.AssertCounts(exported: 2);
    }

    [Fact]
    public void Export_ClientCertificateIsReplaced_TheNewOneIsShown()
    {
        using var collector = new ScriptedCollector(certificate: _authority.Issue("localhost"), asksForCertificate: true);
        var file = _authority.Write("client.pem", WithKey(_authority.Issue("client")));
        using var exporter = new ExporterUnderTest(
            collector.Endpoint, settings => settings with { CertificateFile = AuthorityFile(), ClientCertificateFile = file });
        Assert.True(exporter.Add().Flush());
        var before = collector.ClientCertificate!.GetSerialNumberString();
        File.WriteAllText(file, WithKey(_authority.Issue("client")));
        Assert.True(exporter.Add().Flush());
        Assert.NotEqual(before, collector.ClientCertificate!.GetSerialNumberString());
        Assert.Empty(exporter.Log.Lines);
    }

    [Theory]
    [InlineData("")]
    [InlineData("no certificate")]
    [InlineData("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----")]
    [InlineData(null)]
    public void Export_FileIsReplacedByABrokenOne_TheLastGoodOneStays(string? text)
    {
        using var collector = new ScriptedCollector(certificate: _authority.Issue("localhost"), asksForCertificate: true);
        var file = _authority.Write("client.pem", WithKey(_authority.Issue("client")));
        using var exporter = new ExporterUnderTest(
            collector.Endpoint, settings => settings with { CertificateFile = AuthorityFile(), ClientCertificateFile = file });
        Assert.True(exporter.Add().Flush());
        if (text is null) File.Delete(file);
        else File.WriteAllText(file, text);
        Assert.True(exporter.Add().Flush());
        Assert.True(exporter.Add().Flush());
        exporter.AssertCounts(exported: 3);
        var line = Assert.Single(exporter.Log.Lines);
        Assert.Contains(file, line, StringComparison.Ordinal);
        Assert.EndsWith("goes on with the last good one.", line, StringComparison.Ordinal);
    }

    [Fact]
    public void Export_FileComesLate_KeepsTheSpansAndSendsThem()
    {
        using var collector = new ScriptedCollector(certificate: _authority.Issue("localhost"));
        var file = AuthorityFile();
        File.Delete(file);
        using var exporter = new ExporterUnderTest(collector.Endpoint, settings => settings with { CertificateFile = file }, isHeld: true).Add(2);
        Assert.False(exporter.Flush());
        exporter.AssertCounts(inFlight: 2);
        Assert.Contains(file, Assert.Single(exporter.Log.Lines), StringComparison.Ordinal);
        AuthorityFile();
        Assert.True(exporter.Flush());
        exporter.AssertCounts(exported: 2);
    }

    public void Dispose() => _authority.Dispose();

    private static string WithKey(X509Certificate2 certificate) =>
        $"{certificate.ExportCertificatePem()}\n{certificate.GetRSAPrivateKey()!.ExportPkcs8PrivateKeyPem()}";

    private string AuthorityFile() => _authority.Write("ca.pem", _authority.Pem);
}

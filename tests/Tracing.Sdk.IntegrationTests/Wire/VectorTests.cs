namespace Tracing.Sdk.IntegrationTests.Wire;

/// <summary>Every vector, as a request to a running service: byte for byte in, byte for byte out, and what is exported.</summary>
[Collection(WireSuite.Name)]
public sealed class VectorTests(WireFixture wire)
{
    private static readonly IReadOnlyDictionary<string, Vector> W3C = Vector.Load("w3c.json");
    private static readonly IReadOnlyDictionary<string, Vector> B3 = Vector.Load("b3.json");
    private static readonly IReadOnlyDictionary<string, Vector> Conflict = Vector.Load("conflict.json");
    private static readonly IReadOnlyDictionary<string, Vector> Freshness = Vector.Load("freshness.json");
    private static readonly IReadOnlyDictionary<string, Vector> EnvoyWire = Vector.Load("envoy-wire.json");
    private static readonly IReadOnlyDictionary<string, Vector> Baggage = Vector.Load("baggage.json");

    public static TheoryData<string> W3CNames => Names(W3C);

    public static TheoryData<string> B3Names => Names(B3);

    public static TheoryData<string> ConflictNames => Names(Conflict);

    public static TheoryData<string> FreshnessNames => Names(Freshness);

    public static TheoryData<string> EnvoyWireNames => Names(EnvoyWire);

    public static TheoryData<string> BaggageNames => Names(Baggage);

    public static TheoryData<string> RefusedNames =>
        new(W3C.Values.Where(vector => vector.IsRefusedByServers).Select(vector => vector.Name));

    [Theory]
    [MemberData(nameof(W3CNames))]
    public Task W3C_Vector_ContinuesOrRestarts(string name) => CheckAsync(W3C[name], Expectation.OfW3C(W3C[name]));

    [Theory]
    [MemberData(nameof(B3Names))]
    public Task B3_Vector_KeepsIdsAndState(string name) => CheckAsync(B3[name], Expectation.OfB3(B3[name]));

    [Theory]
    [MemberData(nameof(ConflictNames))]
    public Task BothFormats_Conflict_OneWinsTheOtherIsLinked(string name) => CheckAsync(Conflict[name], Expectation.OfBoth(Conflict[name]));

    [Theory]
    [MemberData(nameof(FreshnessNames))]
    public Task BothFormats_OneIsStale_FresherWins(string name) => CheckAsync(Freshness[name], Expectation.OfBoth(Freshness[name]));

    [Theory]
    [MemberData(nameof(EnvoyWireNames))]
    public Task EnvoyRecording_IsContinuedUnderTheProxysLastSpan(string name) => CheckAsync(EnvoyWire[name], Expectation.OfBoth(EnvoyWire[name]));

    [Theory]
    [MemberData(nameof(BaggageNames))]
    public Task Baggage_Vector_LeavesInNormalForm(string name) => CheckAsync(Baggage[name], Expectation.OfBaggage(Baggage[name]));

    [Theory]
    [MemberData(nameof(RefusedNames))]
    public async Task NulInAHeader_IsRefusedByTheServerBeforeUs(string name)
    {
        using var connection = await RawConnection.OpenAsync(wire.Address);
        var exchange = await wire.ExchangeAsync(connection, "echo-call", name, W3C[name].Headers);
        Assert.Equal(400, exchange.Response.Status);
        Assert.Empty(exchange.Calls);
    }

    private static TheoryData<string> Names(IReadOnlyDictionary<string, Vector> vectors) =>
        new(vectors.Values.Where(vector => !vector.IsRefusedByServers).Select(vector => vector.Name));

    // Once through a client of IHttpClientFactory and once through `new HttpClient()`: the library treats them by different means.
    private async Task CheckAsync(Vector vector, Expectation expected)
    {
        using var connection = await RawConnection.OpenAsync(wire.Address);
        var headers = vector.Headers.Select(header => header with { Value = RawConnection.Encode(header.Value) }).ToList();
        var factory = await wire.ExchangeAsync(connection, "echo-call", vector.Name, headers);
        var plain = await wire.ExchangeAsync(connection, "raw-call", vector.Name, headers);
        await ExchangeAssert.MatchesAsync(wire, connection, factory, expected);
        await ExchangeAssert.MatchesAsync(wire, connection, plain, expected);
    }
}

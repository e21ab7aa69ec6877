namespace Tracing.Sdk.IntegrationTests.Aspire;

/// <summary>One class after the other: each starts the dashboard and a whole mesh, and two restores of one project would be in each other's way.</summary>
[CollectionDefinition(Name)]
public sealed class AspireSuite
{
    public const string Name = "aspire";
}

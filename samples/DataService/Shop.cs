namespace DataService;

internal sealed record Order(int Id, int CustomerId, string PlacedOn);

internal sealed record OrderLine(string Product, int Quantity, decimal Price);

internal sealed record Customer(int Id, string Name, string City);

namespace Smart.Client.Dashboard;

/// <summary>What the dashboard shows has no more digits than were measured.</summary>
internal static class Rounded
{
    public static double Seconds(double? value) => Math.Round(value ?? 0, 3);

    public static double Tenths(double? value) => Math.Round(value ?? 0, 1);

    public static double Hundredths(double value) => Math.Round(value, 2);

    public static double Share(double value) => Math.Round(value, 4);
}

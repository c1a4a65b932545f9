using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Lifecycle.Tests;

/// <summary>What one host's meters of the platform say: gauges by their last value, counters summed, by name, first tag's value and unit.</summary>
internal sealed class Readings : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly ConcurrentDictionary<string, double> _seen = new(StringComparer.Ordinal);

    public Readings(ApiHost host)
    {
        var meters = host.Get<IMeterFactory>();
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == "VideoPlatform.Platform" && instrument.Meter.Scope == meters)
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Hear(instrument, value, tags));
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Hear(instrument, value, tags));
        _listener.Start();
    }

    public IReadOnlyDictionary<string, double> All => _seen;

    public void ReadGauges() => _listener.RecordObservableInstruments();

    public void Dispose() => _listener.Dispose();

    private void Hear(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var name = $"{instrument.Name}{(tags.Length > 0 ? $"{{{tags[0].Value}}}" : "")} {instrument.Unit}";
        _seen.AddOrUpdate(name, value, (_, before) => instrument.IsObservable ? value : before + value);
    }
}

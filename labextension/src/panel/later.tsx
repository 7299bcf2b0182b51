/** Something inside a view whose code is fetched when it is first drawn. */
import * as React from 'react';

export function Later<T>(props: {
  /** Called once. */
  load: () => Promise<T>;
  render: (loaded: T) => React.ReactElement;
}): React.ReactElement | null {
  const [loaded, setLoaded] = React.useState<T | null>(null);
  const load = React.useRef(props.load);
  React.useEffect(() => {
    let here = true;
    load.current().then(
      value => {
        if (here) {
          setLoaded(value);
        }
      },
      () => undefined // What else stands there says what is wrong with the server.
    );
    return () => {
      here = false;
    };
  }, []);
  return loaded === null ? null : props.render(loaded);
}

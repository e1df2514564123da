// The history in the rail.
import styles from "./history.module.css";

export default function History() {
  return <div className={styles.history} />;
}

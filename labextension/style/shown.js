import 'uplot/dist/uPlot.min.css';
import './models.css';
import './lab.css';
import './pages.css';
import './artifacts.css';
import './runs.css';
import './jobs.css';
import './account.css';
